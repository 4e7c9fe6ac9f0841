// Reads back all that a chaos run left behind: objects, report files, events, the jobs' rows, queues.
import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import pMap from 'p-map';
import type { Cloud } from '../../local/cloud.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { listKeys } from '../../shared/aws/list-keys.ts';
import type { RowCounts } from '../../shared/job/job.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import type { QueueDepth } from '../../shared/queue/queue-depth.ts';
import { isEndOfJob } from '../../shared/report/job-event-names.ts';

export interface EndEvent extends RowCounts {
  job: string;
  state: string;
  manifest: { key: string };
  report: string;
}

export interface ReportRow {
  kind: ReportFile['kind'];
  key: string | undefined;
  /** In the manifest; undefined where the report names no place. */
  line: number | undefined;
  status: string;
  code?: string;
}

export interface JobFound {
  /** Every event of the job's end. */
  events: EndEvent[];
  /** From the job's row in the ledger, over the API; undefined where there is none. */
  view: (RowCounts & { state: string }) | undefined;
  report: { totals: RowCounts; files: ReportFile[] } | undefined;
  rows: ReportRow[];
  /** Report files that are not what manifest.json says of them. */
  brokenFiles: string[];
}

export interface Found {
  /** By the key of the manifest. */
  jobs: Map<string, JobFound>;
  /** SHA-256 of each object at the destination, by its key. */
  objects: Map<string, string>;
  /** Multipart uploads at the destination that are open, and how many parts each holds. */
  openUploads: { key: string; parts: number }[];
  /** By queue. */
  messages: Record<string, QueueDepth>;
}

/** Each waits for the client's own six tries. */
const READ_TRIES = 20;
const CONCURRENCY = 32;

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export async function readAll(cloud: Cloud, s3: S3Client, manifests: readonly string[]): Promise<Found> {
  const jobs = await pMap(
    manifests,
    async (key) => [key, await readJob(cloud, s3, endsOf(cloud, key))] as const,
    { concurrency: 2 },
  );
  return {
    jobs: new Map(jobs),
    objects: await readObjects(s3, cloud.names.destination),
    openUploads: await readOpenUploads(s3, cloud.names.destination),
    messages: await messagesLeft(cloud),
  };
}

export function endsOf(cloud: Cloud, manifest: string): EndEvent[] {
  return cloud
    .events()
    .filter(isEndOfJob)
    .map(({ detail }) => detail as EndEvent)
    .filter((end) => end.manifest.key === manifest);
}

/** Messages of each queue that has any. */
export async function messagesLeft(cloud: Cloud): Promise<Record<string, QueueDepth>> {
  const depths = Object.entries(await cloud.queueDepths());
  return Object.fromEntries(
    depths.filter(([, { visible, inFlight, delayed }]) => visible + inFlight + delayed > 0),
  );
}

/** The job's row, as the API shows it. */
export async function viewOf(cloud: Cloud, job: string): Promise<JobFound['view']> {
  const answer = await fetch(`${cloud.endpoints.api}/jobs/${job}`);
  return answer.ok ? ((await answer.json()) as JobFound['view']) : undefined;
}

async function readJob(cloud: Cloud, s3: S3Client, events: EndEvent[]): Promise<JobFound> {
  const [first] = events;
  if (first === undefined) return { events, view: undefined, report: undefined, rows: [], brokenFiles: [] };
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(first.report) ?? [];
  const text = await read(s3, bucket, key);
  const report =
    text === undefined ? undefined : (JSON.parse(String(text)) as { totals: RowCounts; files: ReportFile[] });
  const brokenFiles: string[] = [];
  const rows = await pMap(
    report?.files ?? [],
    async (file) => {
      const bytes = await read(s3, bucket, file.key);
      const lines = String(bytes ?? '')
        .split('\n')
        .filter((line) => line !== '');
      if (bytes === undefined || sha256(bytes) !== file.sha256 || lines.length !== file.rows) {
        brokenFiles.push(file.key);
      }
      return lines.map((line) => reportRow(file.kind, JSON.parse(line) as Record<string, unknown>));
    },
    { concurrency: CONCURRENCY },
  );
  return { events, view: await viewOf(cloud, first.job), report, rows: rows.flat(), brokenFiles };
}

function reportRow(kind: ReportFile['kind'], row: Record<string, unknown>): ReportRow {
  const place = /^line (\d+)$/.exec(String(row['spillway_place'] ?? ''))?.[1];
  const line =
    typeof row['line'] === 'number' ? row['line'] : place === undefined ? undefined : Number(place);
  return {
    kind,
    key: typeof row['key'] === 'string' ? row['key'] : undefined,
    line,
    status: typeof row['status'] === 'string' ? row['status'] : kind,
    ...(typeof row['spillway_code'] === 'string' ? { code: row['spillway_code'] } : {}),
  };
}

/** A page of them: a run has far fewer copies in parts. */
async function readOpenUploads(s3: S3Client, bucket: string): Promise<Found['openUploads']> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return pMap(Uploads, async ({ Key = '', UploadId }) => {
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }));
    return { key: Key, parts: Parts.length };
  });
}

async function readObjects(s3: S3Client, bucket: string): Promise<Map<string, string>> {
  const keys = await Array.fromAsync(listKeys(s3, bucket));
  const hashes = await pMap(keys, async (key) => sha256((await read(s3, bucket, key)) ?? new Uint8Array()), {
    concurrency: CONCURRENCY,
  });
  return new Map(keys.map((key, index) => [key, hashes[index] ?? '']));
}

async function read(s3: S3Client, bucket: string, key: string): Promise<Buffer | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    } catch (error) {
      const { kind, code } = classifyFault(error);
      if (code === 'NoSuchKey') return undefined;
      // S3 has a limit for reads too, and all of a run's objects are read at once.
      if (kind !== 'throttle' || tries === READ_TRIES) throw error;
    }
  }
}
