// A job as a terminal shows it: how it stands, how far it is, and what can be done next.
import type { JobView } from '../../shared/job/view.ts';
import { amountText, bytesText, countText, durationText, shownKey, tableText, timeText } from '../text.ts';
import { canBeRedriven, countsOf, hasEnded, type JobCounts } from './counts.ts';

const BAR_WIDTH = 28;
const NAME_WIDTH = 12;
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
};

export function jobText(job: JobView, nowMs: number): string {
  const counts = countsOf(job);
  const lines: [name: string, text: string | undefined][] = [
    ['job', job.job],
    ['state', stateText(job)],
    ['', job.state === 'submitted' || job.rows === undefined ? undefined : barText(counts)],
    ['rows', job.rows === undefined ? undefined : rowsText(job, counts)],
    ['pace', paceText(job, counts, nowMs)],
    ['throttled', throttledText(job)],
    ['manifest', job.manifest === undefined ? undefined : shownKey(job.manifest)],
    ['writes to', job.options === undefined ? undefined : destinationText(job.options)],
    ['redrive of', job.redriveOf],
    ['started', job.startedAt === undefined ? undefined : timeText(job.startedAt)],
    ['ended', job.endedAt === undefined ? undefined : timeText(job.endedAt)],
    ['deadline', deadlineText(job, nowMs)],
    ['report', job.report],
  ];
  const table = lines
    .filter((line): line is [string, string] => line[1] !== undefined)
    .map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`);
  const steps = nextSteps(job);
  return [...table, ...(steps.length === 0 ? [] : ['', 'Next', ...steps.map((step) => `  ${step}`)])].join(
    '\n',
  );
}

export function jobListText(jobs: readonly JobView[]): string {
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
      shownKey((job.manifest ?? '').replace(/^s3:\/\/[^/]+\//, '')),
    ];
  });
  return tableText([head, ...rows], [2, 3, 4, 5]);
}

function stateText(job: JobView): string {
  const { fault } = job;
  const why = fault === undefined ? '' : `: ${fault.message} (${fault.code})`;
  return hasEnded(job) ? `${job.state}${why}` : `${STATES[job.state]}${why}`;
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
  const parts = Object.entries(kinds)
    .filter(([, count]) => count !== undefined && count > 0)
    .map(([kind, count]) => `${countText(count ?? 0)} ${kind}`);
  const all = job.state === 'planning' ? `${countText(rows)} known so far` : countText(rows);
  return parts.length === 0 ? all : `${all}: ${parts.join(', ')}`;
}

function paceText({ state, startedAt, endedAt, bytes }: JobView, { rows, ended }: JobCounts, nowMs: number) {
  if (startedAt === undefined || ended === 0 || state === 'paused') return undefined;
  const tookMs = (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt);
  if (tookMs <= 0) return undefined;
  const perSecond = (ended / tookMs) * 1000;
  const rate = perSecond < 10 ? perSecond.toFixed(1) : countText(perSecond);
  if (endedAt !== undefined) {
    const written = bytes === undefined ? '' : `, ${bytesText(bytes)} in all`;
    return `${rate} rows/s over ${durationText(tookMs)}${written}`;
  }
  const left =
    state === 'running' ? `; at that, ${durationText(((rows - ended) / perSecond) * 1000)} to go` : '';
  return `${rate} rows/s since the start${left}`;
}

function throttledText({ throttled, attempts }: JobView): string | undefined {
  if (throttled === undefined || throttled === 0) return undefined;
  return `${countText(throttled)} of ${amountText(attempts ?? 0, 'request')} met SlowDown, and were made again`;
}

function destinationText({ destination, spread, ifExists }: NonNullable<JobView['options']>): string {
  const prefix = destination.prefix === '' ? '' : `/${destination.prefix}`;
  const exists = ifExists === 'overwrite' ? '' : `, if-exists ${ifExists}`;
  return `s3://${shownKey(destination.bucket + prefix)} (spread ${spread}${exists})`;
}

function deadlineText({ deadline }: JobView, nowMs: number): string | undefined {
  if (deadline === undefined) return undefined;
  const leftMs = Date.parse(deadline) - nowMs;
  return `${timeText(deadline)}${leftMs > 0 ? `, in ${durationText(leftMs)}` : ''}`;
}

/** Commands that make sense now, each with what it would do. */
function nextSteps(job: JobView): string[] {
  const { rows, ended, failed, cancelled, rejected } = countsOf(job);
  const step = (command: string, what: string) => `spillway ${command} ${job.job}`.padEnd(40) + what;
  const steps: string[] = [];
  if (job.state === 'paused') {
    steps.push(step('resume', `goes on with the ${amountText(rows - ended, 'row')} to go`));
    steps.push(step('cancel', 'ends it here'));
  }
  if (!hasEnded(job)) return steps;
  if (failed + cancelled + rejected > 0) {
    steps.push(step('report', 'tells of each row what is wrong with it'));
  }
  if (canBeRedriven(job)) {
    steps.push(step('redrive', `a new job of the ${amountText(failed + cancelled, 'row')} not stored`));
  }
  if (job.state === 'failed' && job.rows === 0) steps.push('correct the manifest, and drop it again');
  return steps;
}
