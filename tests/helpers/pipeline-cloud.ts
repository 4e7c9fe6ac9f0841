// The whole pipeline on the embedded cloud, with what its tests ask again and again: drop a manifest, wait for the job's
// event, read its report and its objects.
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud.ts';
import { KEY_OF_AWS } from '../../local/iam/authorizer.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import { listKeys } from '../../shared/aws/list-keys.ts';
import type { SettledTotals } from '../../shared/job/job.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { isEndOfJob } from '../../shared/report/job-event-names.ts';

export const SOURCE_BUCKET = 'spillway-test-source';

/** The detail of the event that a job's end puts on the bus. */
export interface JobEnd extends SettledTotals {
  job: string;
  state: 'completed' | 'failed';
  manifest: { bucket: string; key: string; versionId?: string };
  report: string;
  unaccounted: number;
  fault?: { code: string; message: string };
}

export type ReportRow = Record<string, unknown>;

export interface JobReport {
  state: string;
  totals: SettledTotals;
  files: ReportFile[];
  fault?: { code: string; message: string };
}

export interface Dropped {
  key: string;
  /** Empty where the inbox has no versions. */
  versionId: string;
}

type Drop = (
  key: string,
  body: string | Uint8Array,
  about?: { contentType?: string; options?: Record<string, string> },
) => Promise<Dropped>;

export interface PipelineCloud extends Cloud {
  s3: S3Client;
  /** Puts a manifest into the inbox. `options` by their names: destination, spread … */
  drop: Drop;
  /** The same past the inbox's policy: under a key that only the API may write. */
  forge: Drop;
  /** Waits for the end of the job of a dropped manifest, or of the job with this id. */
  ended(of: Dropped | string, timeoutMs?: number): Promise<JobEnd>;
  endsOf(of: Dropped | string): JobEnd[];
  report(end: JobEnd): Promise<JobReport>;
  /** The rows of all its files of one kind. */
  rows(end: JobEnd, kind: ReportFile['kind']): Promise<ReportRow[]>;
  /** Bytes of an object, undefined where there is none. */
  read(bucket: string, key: string): Promise<Buffer | undefined>;
  keys(bucket: string, prefix?: string): Promise<string[]>;
  put(bucket: string, key: string, body: string | Uint8Array): Promise<void>;
  /** Sends a body to the queue of this logical id, past its policy: most take messages of the pipeline alone. */
  send(queue: string, body: string): Promise<void>;
  until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>;
}

export interface PipelineOptions extends CloudOptions {
  /** Seconds that a message stays hidden after a failed invocation; the service's own are minutes. */
  visibilitySeconds?: number;
  /** Receives after which a message is a dead letter, by the queue's logical id. */
  receivesMost?: Record<string, number>;
  /** Bytes of a slice: small ones make many slices of few rows. */
  sliceBytes?: number;
  /** Runs sweep so often, besides its schedule of once a minute. */
  sweepEveryMs?: number;
}

/** Ends a wait that hangs, before its test ends: then the queues are shown. */
const WAIT_MS = 240_000;
const POLL_MS = 25;

export async function startPipelineCloud({
  visibilitySeconds,
  receivesMost,
  sliceBytes,
  sweepEveryMs,
  ...options
}: PipelineOptions = {}): Promise<PipelineCloud> {
  const cloud = await startCloud({
    // What is deployed, and it starts several times as fast.
    bundled: options.web === undefined && options.writes === undefined,
    ...options,
    params: { sourceBuckets: SOURCE_BUCKET, ...options.params },
    buckets: [SOURCE_BUCKET, ...(options.buckets ?? [])],
    adjust(service) {
      quicken(service, visibilitySeconds, receivesMost);
      const { ingest } = service.functions;
      if (ingest !== undefined && sliceBytes !== undefined)
        ingest.environment['SPILLWAY_SLICE_BYTES'] = String(sliceBytes);
      options.adjust?.(service);
    },
  });
  const sweep = () => void cloud.trigger('sweep').catch(() => undefined);
  const sweeping = sweepEveryMs === undefined ? undefined : setInterval(sweep, sweepEveryMs);
  const s3 = new S3Client(cloud.clientConfig());
  const pastPolicies = {
    ...cloud.clientConfig(),
    credentials: { accessKeyId: KEY_OF_AWS, secretAccessKey: 'local' },
  };
  const forger = new S3Client(pastPolicies);
  const sqs = new SQSClient(pastPolicies);
  const dropBy =
    (client: S3Client): Drop =>
    async (key, body, { contentType, options: chosen = {} } = {}) => {
      const { VersionId = '' } = await client.send(
        new PutObjectCommand({
          Bucket: cloud.names.inbox,
          Key: key,
          Body: body,
          Metadata: Object.fromEntries(
            Object.entries(chosen).map(([name, value]) => [`spillway-${name}`, value]),
          ),
          ...(contentType === undefined ? {} : { ContentType: contentType }),
        }),
      );
      return { key, versionId: VersionId };
    };

  const until: PipelineCloud['until'] = async (what, holds, timeoutMs = WAIT_MS) => {
    const deadline = Date.now() + timeoutMs;
    while (!(await holds())) {
      if (Date.now() > deadline) {
        const faults = cloud
          .logs()
          .filter(({ line }) => /"level":"(WARN|ERROR)"|Error/.test(line))
          .slice(-10)
          .map(({ functionName, line }) => `${functionName}: ${line.slice(0, 600)}`);
        throw new Error(
          `not within ${timeoutMs} ms: ${what}\nqueues ${JSON.stringify(await cloud.queueDepths())}\n${faults.join('\n')}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  const read: PipelineCloud['read'] = async (bucket, key) => {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    } catch (error) {
      if ((error as Error).name === 'NoSuchKey') return undefined;
      throw error;
    }
  };
  const endsOf: PipelineCloud['endsOf'] = (of) =>
    cloud
      .events()
      .filter(isEndOfJob)
      .map((entry) => entry.detail as JobEnd)
      .filter((end) =>
        typeof of === 'string'
          ? end.job === of
          : end.manifest.key === of.key && (end.manifest.versionId ?? '') === of.versionId,
      );
  const report: PipelineCloud['report'] = async (end) => {
    const { bucket, key } = splitUrl(end.report);
    return JSON.parse(String(await read(bucket, key))) as JobReport;
  };

  return {
    ...cloud,
    s3,
    until,
    read,
    endsOf,
    report,
    drop: dropBy(s3),
    forge: dropBy(forger),
    async ended(of, timeoutMs) {
      await until(`the end of the job of ${JSON.stringify(of)}`, () => endsOf(of).length > 0, timeoutMs);
      return endsOf(of)[0] as JobEnd;
    },
    async rows(end, kind) {
      const { bucket } = splitUrl(end.report);
      const files = (await report(end)).files.filter((file) => file.kind === kind);
      const texts = await Promise.all(files.map((file) => read(bucket, file.key)));
      return texts.flatMap((text) =>
        String(text)
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as ReportRow),
      );
    },
    async keys(bucket, prefix) {
      return Array.fromAsync(listKeys(s3, bucket, prefix));
    },
    async put(bucket, key, body) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    async send(queue, body) {
      await sqs.send(new SendMessageCommand({ QueueUrl: cloud.names.queues[queue], MessageBody: body }));
    },
    async stop() {
      clearInterval(sweeping);
      s3.destroy();
      forger.destroy();
      sqs.destroy();
      await cloud.stop();
    },
  };
}

export async function headObject(s3: S3Client, bucket: string, key: string) {
  return s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
}

function quicken(
  service: ServiceModel,
  visibilitySeconds: number | undefined,
  receivesMost: Record<string, number> = {},
): void {
  for (const [logicalId, queue] of Object.entries(service.queues)) {
    if (visibilitySeconds !== undefined) queue.attributes['VisibilityTimeout'] = String(visibilitySeconds);
    const redrive = queue.attributes['RedrivePolicy'];
    const most = receivesMost[logicalId];
    if (redrive !== undefined && most !== undefined)
      queue.attributes['RedrivePolicy'] = JSON.stringify({
        ...JSON.parse(redrive),
        maxReceiveCount: most,
      });
  }
  for (const { sqsSources, environment } of Object.values(service.functions)) {
    if (visibilitySeconds !== undefined && environment['SPILLWAY_RETRY_SECONDS'] !== undefined)
      environment['SPILLWAY_RETRY_SECONDS'] = String(visibilitySeconds);
    for (const source of sqsSources) source.windowSeconds = Math.min(source.windowSeconds, 0.2);
  }
}

function splitUrl(url: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(url) ?? [];
  return { bucket, key };
}
