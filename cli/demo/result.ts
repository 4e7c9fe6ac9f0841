// The demo's result: one JSON object for programs, a page of text for people.
import { costPerMillion, type Usage } from '../../local/meter/cost.ts';
import type { GiveBackCounts } from '../../shared/queue/give-back.ts';
import type { JobEnd } from '../job-end.ts';
import { joined, line, lines, padEnd, type TerminalText, type Value } from '../terminal/text.ts';
import { amountText, bytesText, countText, countTexts, dollarText } from '../text.ts';
import type { ReadBack } from './read-back.ts';

/** Faulty rows that are named one by one; the rest are counted. */
const FAULTS_NAMED = 10;
const WIDTH = 12;

export type DemoResult = ReturnType<typeof resultOf>;

export interface DemoFacts {
  end: JobEnd;
  droppedAtMs: number;
  usage: Usage;
  givenBack: GiveBackCounts;
  limitPerSecond: number;
  partitions: number;
  checked: ReadBack;
  /** manifest.json of the report, saved in a file; null where it could not be saved. */
  report: string | null;
}

export function resultOf(facts: DemoFacts) {
  const { end, usage, checked } = facts;
  const { job, state, rows, stored, skipped, failed, cancelled, rejected, unaccounted } = end;
  const { refused, untried } = facts.givenBack;
  const seconds = Math.max(0.001, (end.endedAtMs - facts.droppedAtMs) / 1000);
  const { destination, s3, sqs, dynamodb, lambda } = usage;
  const faultsOf = (kind: string) => checked.faults.filter((fault) => fault.kind === kind).length;
  return {
    job,
    state,
    rows,
    stored,
    skipped,
    failed,
    cancelled,
    rejected,
    unaccounted,
    // As S3 counted them: a job's own totals miss the attempts of a delivery that a worker could not account for.
    attempts: destination.requests,
    throttled: destination.throttled,
    /**
     * Times that an item went back to the queue by visibility delay, and as a new message: as the functions counted them, like
     * the attempts.
     */
    returned: refused.returned + untried.returned,
    reposted: refused.reposted + untried.reposted,
    /** The same, by what had happened to the item: S3 refused it, or its turn had not come. */
    givenBack: facts.givenBack,
    bytes: end.bytes,
    /** From the manifest's drop to the job's end. */
    seconds,
    objectsPerSecond: Math.round((stored / seconds) * 10) / 10,
    limitPerSecond: facts.limitPerSecond,
    partitions: facts.partitions,
    /** Requests between drop and end, by service; those of staging and reading back are not in it. */
    requests: {
      destination: { accepted: destination.accepted, throttled: destination.throttled },
      s3: s3.writes + s3.reads + destination.requests,
      sqs: sqs.requests,
      dynamodb: dynamodb.requests,
      lambda: Object.values(lambda).reduce((sum, { invocations }) => sum + invocations, 0),
    },
    costPerMillionUsd: costPerMillion(usage, stored),
    readBack: {
      right: checked.right,
      missing: faultsOf('missing'),
      different: faultsOf('different'),
      extra: faultsOf('extra'),
    },
    report: facts.report,
  };
}

/** Every row has its one end, and what was stored is there as it should be. */
export function isSound({ state, unaccounted }: DemoResult, { faults }: ReadBack): boolean {
  return state === 'completed' && unaccounted === 0 && faults.length === 0;
}

export function summaryOf(
  result: DemoResult,
  checked: ReadBack,
  about: { examples: string[]; rerun: string },
): TerminalText {
  const { rows, stored, skipped, failed, cancelled, rejected, attempts, throttled } = result;
  const cost = result.costPerMillionUsd;
  const share = Math.round((result.objectsPerSecond / result.limitPerSecond) * 100);
  const others = countTexts({ skipped, failed, cancelled, rejected });
  const indent = `\n${' '.repeat(WIDTH + 4)}`;
  const { refused } = result.givenBack;
  const wasRefused = throttled > 0 || refused.returned + refused.reposted > 0;
  const table: [string, Value | false][] = [
    ['rows', `${countText(rows)} (${bytesText(result.bytes)})`],
    [
      'stored',
      `${countText(stored)}, ${result.readBack.right === stored ? 'each' : `${countText(result.readBack.right)} of them`} read back with the right bytes`,
    ],
    ['others', others.length > 0 && others.join(', ')],
    [
      'throttled',
      throttled === 0
        ? 'never: S3 took every request at once'
        : `${amountText(throttled, 'time')} S3 said SlowDown: ${(attempts / Math.max(1, stored)).toFixed(2)} requests an object`,
    ],
    ['refused', wasRefused && `${wayText(refused)}; the rest was tried again in place`],
    ['no turn yet', wayText(result.givenBack.untried)],
    [
      'time',
      `${result.seconds.toFixed(1)} s: ${countText(result.objectsPerSecond)} objects/s, ${share}% of the ${countText(result.limitPerSecond)}/s that S3 takes here (cold start included)`,
    ],
    [
      'on AWS',
      `about ${dollarText(cost.total)} per million objects: ${dollarText(cost.destinationWrites)} S3's writes, ${dollarText(cost.total - cost.destinationWrites)} everything else`,
    ],
    ['objects', joined([...about.examples, 'in memory, and gone now that the demo ends'], indent)],
    ['report', result.report ?? 'NOT saved, for the reason below'],
  ];
  return lines([
    '',
    headline(result, checked),
    '',
    ...table.map(([name, text]) => text !== false && line`  ${padEnd(name, WIDTH)}  ${text}`),
    '',
    'Next',
    `  ${about.rerun.padEnd(44)}  your own files, another pace`,
    `  ${'npx spillway up'.padEnd(44)}  the same, until Ctrl-C: drop manifests with any S3 client`,
    `  ${'npx serverless deploy'.padEnd(44)}  the same, on AWS`,
  ]);
}

/** How items went back to the queue. */
function wayText({ returned, reposted }: GiveBackCounts['refused']): string {
  return `${amountText(returned, 'time')} back to the queue by visibility, ${countText(reposted)} as a delayed new message`;
}

function headline(result: DemoResult, checked: ReadBack): TerminalText {
  if (isSound(result, checked)) {
    return result.stored === result.rows
      ? line`All ${countText(result.rows)} rows are stored, each accounted for once.`
      : line`All ${countText(result.rows)} rows are accounted for, each once.`;
  }
  const named = checked.faults
    .slice(0, FAULTS_NAMED)
    .map((fault) =>
      fault.kind === 'extra'
        ? line`  extra: ${fault.destination}, which no row explains`
        : line`  ${fault.kind}: ${fault.key} at ${fault.destination} (${fault.detail})`,
    );
  const more = checked.faults.length - named.length;
  return lines([
    line`NOT every row is accounted for: job ${result.state}, ${countText(result.unaccounted)} rows without an end, ${amountText(checked.faults.length, 'object')} not as they should be.`,
    ...named,
    more > 0 && `  and ${countText(more)} more`,
  ]);
}
