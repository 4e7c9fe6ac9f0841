// What a job would do with its rows: how many are good, what is wrong with the others, and what the good ones take.
import type * as z from 'zod/mini';
import { PIPELINE_USD_PER_ROW, PRICES } from '../../shared/aws/prices.js';
import { type Block, blocksOf, type RowRules } from '../../shared/blocks/read-blocks.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import { sliceBytesOf, sliceRowsOf } from '../../shared/job/identity.ts';
import type { JobOptions } from '../../shared/job/options.ts';
import { type ManifestItem, PARSER_VERSION } from '../../shared/manifest/columns.ts';
import { formatOf, type ManifestHead } from '../../shared/manifest/formats/all.ts';
import { blockRowsOf } from '../../shared/pacing/job-rate.ts';
import { numbersOf, type Outcome } from '../../shared/report/outcome.ts';
import { knownBytesOf } from '../../shared/sources/known-bytes.ts';
import type { SourceConfiguration } from '../../shared/sources/source.ts';
import type { planAnswer } from './openapi-answers.ts';
import type { PlanTime } from './plan-time.ts';
import { MAX_FAULTS } from './problem.ts';

/** Writes a second that S3 takes of one partition (S3 user guide, "Best practices design patterns"). */
const S3_WRITES_PER_SECOND = 3_500;

export interface PlannedManifest {
  head: ManifestHead;
  text: Buffer;
  options: JobOptions;
  sources: SourceConfiguration;
  kmsKeys: readonly string[];
  cut: { sliceBytes: number; blockRows: number };
}

export type JobPlan = z.infer<typeof planAnswer>;

/** Cuts the manifest into the slices of its job, since a row's key must be its slice's own. */
export async function planRows(
  { head, text, options, sources, kmsKeys, cut }: PlannedManifest,
  time: PlanTime,
): Promise<JobPlan> {
  const read = async function* (start: number, end: number) {
    yield text.subarray(start, end);
  };
  const blockRows = blockRowsOf(cut.blockRows, rateOf(options));
  const rules: RowRules = { head, options, blockRows, parserVersion: PARSER_VERSION };
  const limits = { sliceBytes: sliceBytesOf(text.length, cut.sliceBytes), rows: sliceRowsOf(blockRows) };
  const all = { startOffset: head.bodyOffset, startLine: head.bodyLine, endOffset: text.length };
  const tally = createTally(options);
  for await (const { range } of formatOf(head).split(head, all, read, limits)) {
    for await (const block of blocksOf(rules, { sources, kmsKeys }, range, read)) {
      time.check();
      tally.add(block);
    }
  }
  return { format: head.format, ...tally.plan() };
}

function createTally(options: JobOptions) {
  const counts = { rows: 0, good: 0, rejected: 0 };
  const sources: JobPlan['sources'] = { inline: 0, s3: 0, https: 0 };
  const byCode = new Map<string, number>();
  const faults: JobPlan['faults'] = [];
  let knownBytes = 0;

  function reject(outcome: Outcome): void {
    const { code = '', message = '' } = outcome;
    const rows = numbersOf(outcome).length;
    counts.rejected += rows;
    byCode.set(code, (byCode.get(code) ?? 0) + rows);
    if (faults.length < MAX_FAULTS) faults.push({ place: placeOf(outcome), code, message, rows });
  }

  return {
    add({ size, accepted, rejected }: Block): void {
      counts.rows += size;
      counts.good += accepted.length;
      for (const { item } of accepted) {
        sources[sourceKindOf(item)] += 1;
        knownBytes += knownBytesOf(item) ?? 0;
      }
      rejected.forEach(reject);
    },

    plan(): Omit<JobPlan, 'format'> {
      // A copy that keeps what its source has, or sets what a copy can't, asks for its source first. Web sources are no requests to S3.
      const requests = { writes: counts.good, reads: sources.s3 };
      const writesUsd = requests.writes * PRICES.s3Write;
      const otherUsd = requests.reads * PRICES.s3Read + counts.rows * PIPELINE_USD_PER_ROW;
      return {
        ...counts,
        rejectedByCode: Object.fromEntries(byCode),
        faults,
        sources,
        knownBytes,
        requests,
        cost: {
          usd: rounded(writesUsd + otherUsd),
          writesUsd: rounded(writesUsd),
          otherUsd: rounded(otherUsd),
        },
        time: timeOf(counts.good, knownBytes, options),
      };
    },
  };
}

function placeOf({ line, lastLine }: Outcome): string {
  return lastLine === undefined || lastLine === line ? `line ${line}` : `lines ${line} to ${lastLine}`;
}

function sourceKindOf({ source }: ManifestItem): keyof JobPlan['sources'] {
  if (source === undefined) return 'inline';
  return source.startsWith('s3://') ? 's3' : 'https';
}

function timeOf(rows: number, bytes: number, options: JobOptions): JobPlan['time'] {
  const { maxRatePerSecond, maxBytesPerSecond } = options;
  // 0 is no bound.
  const own = maxRatePerSecond === 0 ? Number.POSITIVE_INFINITY : maxRatePerSecond;
  const objectsPerSecond = Math.min(S3_WRITES_PER_SECOND, own);
  const byBytes = maxBytesPerSecond === 0 ? 0 : bytes / maxBytesPerSecond;
  return { objectsPerSecond, seconds: Math.ceil(Math.max(rows / objectsPerSecond, byBytes)) };
}

/** A hundredth of a cent is as fine as the estimate is. */
function rounded(usd: number): number {
  return Math.ceil(usd * 1e4) / 1e4;
}
