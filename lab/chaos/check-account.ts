// Whether a chaos run lost anything or counted anything twice: what was asked for against what was found. Pure.
import { type RowCounts, unaccountedRows } from '../../shared/job/job.ts';
import type { ChaosJob, ChaosRow } from './manifests.ts';
import { type Found, type JobFound, type ReportRow, sha256 } from './read-back.ts';
import { COPIED_IN_PARTS_ABOVE } from './setting.ts';

const NOTHING = {
  items: 0,
  stored: 0,
  failed: 0,
  rejected: 0,
  /** Rows that no report file lists. */
  unaccounted: 0,
  /** Times that a row is reported beyond the first. */
  countedTwice: 0,
  /** Rows reported as stored whose object is not there. */
  missingObjects: 0,
  /** Objects with other bytes than their row's. */
  wrongObjects: 0,
  /** Objects that no row explains. */
  strayObjects: 0,
  /** Rows reported in a way that they can't end, rows of no manifest, and counts that disagree with one another. */
  disagreements: 0,
  /** Parts of multipart uploads that are open still: S3 would bill them until the bucket's lifecycle rule ends them. */
  partsLeft: 0,
  /** Messages left on any queue. */
  messagesLeft: 0,
  /** Objects that were copied in parts, of those stored. */
  copiedInParts: 0,
  /**
   * Open uploads without a part: allowed. Their worker died, or the answer was lost, before their id was kept. S3 bills nothing for
   * them.
   */
  emptyUploads: 0,
  /** Good rows reported as failed whose object is there all the same: allowed, since their last worker died in between. */
  failedYetThere: 0,
};
export type Account = typeof NOTHING;

/** These are 0 in a run in which nothing was lost. */
const HELD_TO = [
  'unaccounted',
  'countedTwice',
  'missingObjects',
  'wrongObjects',
  'strayObjects',
  'disagreements',
  'partsLeft',
  'messagesLeft',
] as const satisfies readonly (keyof Account)[];

export interface AccountCheck {
  account: Account;
  /** A sentence for each breach, naming its row. */
  breaches: string[];
  isSound: boolean;
}

const COUNTS = [
  'rows',
  'stored',
  'skipped',
  'failed',
  'cancelled',
  'rejected',
] as const satisfies readonly (keyof RowCounts)[];

export function checkAccount(jobs: readonly ChaosJob[], found: Found): AccountCheck {
  const account = { ...NOTHING };
  const breaches: string[] = [];
  const breach = (kind: (typeof HELD_TO)[number], sentence: string, by = 1) => {
    account[kind] += by;
    breaches.push(`${kind}: ${sentence}`);
  };
  const explained = new Set<string>();

  function checkRow(job: ChaosJob, row: ChaosRow, reported: readonly ReportRow[]): void {
    const name = `${job.key} line ${row.line}, key ${JSON.stringify(row.key)}`;
    const [first] = reported;
    if (first === undefined) {
      breach('unaccounted', name);
      return;
    }
    if (reported.length > 1) {
      const kinds = reported.map(({ kind }) => kind).join(', ');
      breach('countedTwice', `${name}: in ${kinds}`, reported.length - 1);
    }
    if (first.kind === 'succeeded') account.stored += 1;
    else account[first.kind] += 1;
    if (!possible(row, first, found.objects.has(row.destination))) {
      breach(
        'disagreements',
        `${name}: a ${row.fate.kind} row is reported as ${first.status} (${first.code})`,
      );
    }
    if (first.key !== undefined && first.key !== row.key && row.fate.kind !== 'bad') {
      breach('disagreements', `${name}: the report names it ${JSON.stringify(first.key)}`);
    }
    checkObject(row, name, first);
  }

  function checkObject({ fate, destination }: ChaosRow, name: string, reported: ReportRow): void {
    const object = found.objects.get(destination);
    if (fate.kind !== 'good') return;
    explained.add(destination);
    if (object === undefined) {
      if (reported.kind === 'succeeded') breach('missingObjects', `${name}: reported as ${reported.status}`);
      return;
    }
    if (object !== sha256(fate.bytes)) breach('wrongObjects', `${name} at ${destination}`);
    if (reported.kind === 'failed') account.failedYetThere += 1;
    else if (fate.bytes.length > COPIED_IN_PARTS_ABOVE) account.copiedInParts += 1;
  }

  for (const job of jobs) {
    account.items += job.rows.length;
    const jobFound = found.jobs.get(job.key);
    const lines = new Set(job.rows.map(({ line }) => line));
    const byLine = Map.groupBy(jobFound?.rows ?? [], ({ line }) => line);
    for (const row of job.rows) checkRow(job, row, byLine.get(row.line) ?? []);
    for (const [line, rows] of byLine) {
      if (line !== undefined && lines.has(line)) continue;
      breach('disagreements', `${job.key}: a report lists a row at line ${line} (${rows[0]?.code})`);
    }
    for (const sentence of disagreementsOf(job, jobFound)) breach('disagreements', sentence);
  }
  for (const key of found.objects.keys()) if (!explained.has(key)) breach('strayObjects', key);
  for (const { key, parts } of found.openUploads) {
    if (parts === 0) account.emptyUploads += 1;
    else breach('partsLeft', `${parts} of an upload of ${key}`, parts);
  }
  for (const [queue, { visible, inFlight, delayed }] of Object.entries(found.messages)) {
    const left = visible + inFlight + delayed;
    if (left > 0) breach('messagesLeft', `${left} on ${queue}`, left);
  }
  return { account, breaches, isSound: HELD_TO.every((kind) => account[kind] === 0) };
}

/** Why good rows are not stored: their workers, or those of their slice, died too often. S3 refuses none of them for good. */
const GAVE_OUT: ReadonlySet<string> = new Set(['DeadLettered', 'IngestFailed']);

function possible({ fate }: ChaosRow, { kind, code }: ReportRow, isThere: boolean): boolean {
  switch (fate.kind) {
    case 'good':
      return kind === 'succeeded' || (kind === 'failed' && (isThere || GAVE_OUT.has(code ?? '')));
    case 'hopeless':
      return kind === 'failed';
    case 'bad':
      // A slice that could not be ingested is failed whole, its bad rows too.
      return kind !== 'succeeded';
  }
}

/** The events, the job's row, manifest.json and its files are to say the same. */
function disagreementsOf({ key, rows }: ChaosJob, found: JobFound | undefined): string[] {
  const [event] = found?.events ?? [];
  if (found === undefined || event === undefined) return [`${key}: its job has not ended`];
  const faults = found.brokenFiles.map((file) => `${key}: ${file} is not what manifest.json says of it`);
  const count = (isCounted: (row: ReportRow) => boolean) => found.rows.filter(isCounted).length;
  const counted: RowCounts = {
    rows: rows.length,
    stored: count(({ status }) => status === 'stored'),
    skipped: count(({ status }) => status === 'skipped'),
    failed: count(({ kind }) => kind === 'failed'),
    cancelled: 0,
    rejected: count(({ kind }) => kind === 'rejected'),
  };
  const wanted = countsText(counted);
  const reported = [
    ...found.events.map((each) => ['an end event', each] as const),
    ['the job’s row', found.view] as const,
    ['manifest.json', found.report?.totals] as const,
  ];
  for (const [who, counts] of reported) {
    if (counts === undefined) faults.push(`${key}: ${who} is missing`);
    else if (countsText(counts) !== wanted) {
      faults.push(`${key}: ${who} says ${countsText(counts)}, and the files hold ${wanted}`);
    }
  }
  if (event.state !== 'completed') faults.push(`${key}: its job ended as ${event.state}`);
  if (found.view !== undefined && found.view.state !== event.state) {
    faults.push(`${key}: its row says ${found.view.state}, its event ${event.state}`);
  }
  if (unaccountedRows(counted) !== 0) faults.push(`${key}: ${wanted} do not add up`);
  return faults;
}

function countsText(counts: RowCounts): string {
  return COUNTS.map((name) => `${name} ${counts[name]}`).join(' ');
}
