// A job as a terminal shows it: its state, its progress, and what can be done next.
import type { JobView } from '../../shared/job/view.ts';
import { line, lines, padEnd, type TerminalText, tableLines, type Value } from '../terminal/text.ts';
import { amountText, bytesText, countText, countTexts, durationText, timeText } from '../text.ts';
import { canBeRedriven, countsOf, hasEnded, type JobCounts } from './counts.ts';

const BAR_WIDTH = 28;
const NAME_WIDTH = 12;
const STEP_WIDTH = 40;
const STATES: Readonly<Record<JobView['state'], string>> = {
  submitted: 'submitted: its manifest is in the inbox, and not open yet',
  planning: 'running, while its manifest is still being read',
  running: 'running',
  paused: 'paused',
  cancelling: 'being cancelled: what is under way finishes',
  expiring: 'past its deadline: what is under way finishes',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
  unreadable: 'not known: its row in the ledger can not be read',
};

export function jobText(job: JobView, nowMs: number): TerminalText {
  const steps = nextSteps(job);
  return lines([factsText(job, nowMs), ...(steps.length === 0 ? [] : ['', 'Next', ...steps])]);
}

/** What is known of the job, a line for each fact. */
export function factsText(job: JobView, nowMs: number): TerminalText {
  const counts = countsOf(job);
  const facts: [name: string, text: Value | undefined][] = [
    ['job', job.job],
    ['state', stateText(job)],
    ['', job.state === 'submitted' || job.rows === undefined ? undefined : barText(counts)],
    ['rows', job.rows === undefined ? undefined : rowsText(job, counts)],
    ['pace', paceText(job, counts, nowMs)],
    ['throttled', throttledText(job)],
    ['manifest', job.manifest],
    ['converting', convertingText(job)],
    ['writes to', job.options === undefined ? undefined : destinationText(job.options)],
    ['rate', job.options === undefined ? undefined : rateText(job.options)],
    ['redrive of', job.redriveOf],
    ['started', job.startedAt === undefined ? undefined : timeText(job.startedAt)],
    ['ended', job.endedAt === undefined ? undefined : timeText(job.endedAt)],
    ['deadline', deadlineText(job, nowMs)],
    ['report', job.report],
  ];
  return lines(facts.map(([name, text]) => text !== undefined && line`${padEnd(name, NAME_WIDTH)}${text}`));
}

export function jobListText(jobs: readonly JobView[]): TerminalText {
  const head = ['JOB', 'STATE', 'ROWS', 'ENDED', 'FAILED', 'REJECTED', 'STARTED', 'MANIFEST'];
  const rows = jobs.map((job) => {
    const { rows: all, ended, failed, rejected } = countsOf(job);
    return [
      job.job,
      job.state,
      countText(all),
      shareText(ended, all),
      countText(failed),
      countText(rejected),
      job.startedAt === undefined ? '' : timeText(job.startedAt),
      (job.manifest ?? '').replace(/^s3:\/\/[^/]+\//, ''),
    ];
  });
  return lines(tableLines([head, ...rows], [2, 3, 4, 5]));
}

function stateText(job: JobView): TerminalText {
  const { fault } = job;
  const why = fault === undefined ? '' : line`: ${fault.message} (${fault.code})`;
  return line`${hasEnded(job) || !Object.hasOwn(STATES, job.state) ? job.state : STATES[job.state]}${why}`;
}

function barText(counts: JobCounts): string {
  const { rows, ended } = counts;
  // Full only where nothing is left.
  const filled = rows === 0 ? 0 : Math.floor((ended / rows) * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${shareText(ended, rows)}`;
}

function shareText(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.floor((part / whole) * 100)}%`;
}

function rowsText(job: JobView, { rows, ended, done, failed, cancelled, rejected }: JobCounts): string {
  const { stored, skipped, unaccounted } = job;
  const kinds =
    stored === undefined
      ? { 'stored or skipped': done, failed, cancelled, rejected, 'to go': rows - ended }
      : { stored, skipped, failed, cancelled, rejected, unaccounted };
  const parts = countTexts(kinds);
  const all = job.state === 'planning' ? `${countText(rows)} known so far` : countText(rows);
  return parts.length === 0 ? all : `${all}: ${parts.join(', ')}`;
}

/** Of the rows that took a transfer: rejected ones come at no pace. */
function paceText(job: JobView, counts: JobCounts, nowMs: number): string | undefined {
  const { state, startedAt, endedAt, bytes = 0 } = job;
  const transferred = counts.done + counts.failed;
  if (startedAt === undefined || transferred === 0 || state === 'paused') return undefined;
  const tookMs = Math.max(1, (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt));
  const perSecond = (transferred / tookMs) * 1000;
  const rate = `${perSecond < 10 ? perSecond.toFixed(1) : countText(perSecond)} rows/s`;
  if (endedAt !== undefined) {
    return `${rate} over ${durationText(tookMs)}${bytes === 0 ? '' : `, ${bytesText(bytes)} in all`}`;
  }
  const leftMs = ((counts.rows - counts.ended) / perSecond) * 1000;
  return `${rate} since the start${state === 'running' ? `; at that, ${durationText(leftMs)} to go` : ''}`;
}

function convertingText({ converting }: JobView): TerminalText | undefined {
  return converting === undefined
    ? undefined
    : line`from ${converting}: its rows are sent when all of it is read`;
}

function throttledText({ throttled, attempts }: JobView): string | undefined {
  if (throttled === undefined || throttled === 0) return undefined;
  return `${countText(throttled)} of ${amountText(attempts ?? 0, 'request')} met SlowDown, and were made again`;
}

function destinationText({ destination, spread, ifExists }: NonNullable<JobView['options']>): TerminalText {
  const prefix = destination.prefix === '' ? '' : `/${destination.prefix}`;
  const exists = ifExists === 'overwrite' ? '' : `, if-exists ${ifExists}`;
  return line`s3://${destination.bucket + prefix} (spread ${spread}${exists})`;
}

/** The job's own rate; undefined where it has none. Jobs of older deployments have no such options. */
export function rateText({
  maxRatePerSecond = 0,
  maxBytesPerSecond = 0,
}: Partial<NonNullable<JobView['options']>>): string | undefined {
  const bounds = [
    ...(maxRatePerSecond > 0 ? [`${amountText(maxRatePerSecond, 'object')}/s`] : []),
    ...(maxBytesPerSecond > 0 ? [`${bytesText(maxBytesPerSecond)}/s`] : []),
  ];
  return bounds.length === 0 ? undefined : `at most ${bounds.join(' and ')}`;
}

function deadlineText({ deadline, state }: JobView, nowMs: number): string | undefined {
  if (deadline === undefined) return undefined;
  if (state === 'paused') return `${timeText(deadline)}, and later by as long as the pause lasts`;
  const leftMs = Date.parse(deadline) - nowMs;
  return `${timeText(deadline)}${leftMs > 0 ? `, in ${durationText(leftMs)}` : ''}`;
}

/** Commands that make sense now, each with what it would do. */
function nextSteps(job: JobView): TerminalText[] {
  const { rows, ended, failed, cancelled, rejected } = countsOf(job);
  const steps: TerminalText[] = [];
  const add = (command: string, what: string) =>
    steps.push(line`  ${padEnd(`spillway ${command} ${job.job}`, STEP_WIDTH)} ${what}`);
  if (job.state === 'paused') {
    add('resume', `goes on with the ${amountText(rows - ended, 'row')} to go`);
    add('cancel', 'ends it here');
  }
  if (job.report !== undefined && failed + cancelled + rejected > 0) {
    add('report', 'says of each row what is wrong with it');
  }
  if (canBeRedriven(job))
    add('redrive', `a new job of the ${amountText(failed + cancelled, 'row')} not stored`);
  return steps;
}

/** @param since ISO time at which the embedded cloud started */
export function forgetsText(since: string): TerminalText {
  return line`The embedded cloud was started at ${timeText(since)} and keeps nothing of an earlier run.`;
}
