// A job's first sight: from a manifest's version in the inbox to the row that freezes how it is processed, or to the reason
// why it can't be.
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { PARSER_VERSION } from '../manifest/columns.ts';
import { openManifest } from '../manifest/open.ts';
import { classifyFault } from '../transfer/classify.ts';
import { BLOCK_ROWS, jobIdOfManifest, SLICE_BYTES } from './identity.ts';
import type { Job, JobFault, ManifestVersion } from './job.ts';
import { optionTextsOfMetadata, parseJobOptions } from './options.ts';

/** Bytes from which format and header are read. */
const HEAD_BYTES = 256 * 1024;

export interface ManifestArrival {
  bucket: string;
  key: string;
  versionId: string;
}

export interface StartDependencies {
  s3: S3Client;
  destinationBuckets: readonly string[];
  nowMs: number;
}

/** @returns the job's row to be: `planning`, or `failed` with its fault where the manifest can't be read at all */
export async function startJob(
  { s3, destinationBuckets, nowMs }: StartDependencies,
  arrival: ManifestArrival,
): Promise<Job> {
  const job = unopenedJob(arrival, nowMs);
  const failed = (fault: JobFault): Job => ({ ...job, state: 'failed', endedAtMs: nowMs, fault });

  const found = await headManifest(s3, arrival);
  if (found.kind === 'gone') return failed({ code: 'ManifestGone', message: found.message });
  job.manifest = found.manifest;

  const options = parseJobOptions(optionTextsOfMetadata(found.metadata), destinationBuckets);
  if (options.kind === 'invalid') {
    return failed({
      code: 'InvalidOptions',
      message: `the manifest's metadata x-amz-meta-spillway-*: ${options.message}`,
    });
  }
  job.options = options.options;
  job.deadlineMs = nowMs + options.options.deadlineSeconds * 1000;

  const opened = openManifest(await readStart(s3, job.manifest), {
    key: arrival.key,
    sizeBytes: job.manifest.sizeBytes,
    ...(found.contentType === undefined ? {} : { contentType: found.contentType }),
  });
  if (opened.kind === 'unreadable') return failed({ code: opened.code, message: opened.message });
  const { head } = opened;
  return { ...job, head, plan: { slices: 0, rows: 0, offset: head.bodyOffset, line: head.bodyLine } };
}

/** A job of which no more is known than that its manifest arrived. */
export function unopenedJob(arrival: ManifestArrival, nowMs: number): Job {
  return {
    id: jobIdOfManifest(arrival),
    state: 'planning',
    manifest: { ...arrival, sizeBytes: 0, etag: '' },
    options: {
      destination: { bucket: '', prefix: '' },
      spread: 'off',
      ifExists: 'overwrite',
      retryForSeconds: 0,
      deadlineSeconds: 0,
      maxFailedPercent: 100,
      maxFailedAfterRows: 1,
      report: 'all',
    },
    parserVersion: PARSER_VERSION,
    sliceBytes: SLICE_BYTES,
    blockRows: BLOCK_ROWS,
    control: 'run',
    startedAtMs: nowMs,
    deadlineMs: nowMs,
    plan: { slices: 0, rows: 0, offset: 0, line: 1 },
    settledGroups: new Set(),
  };
}

type FoundManifest =
  | {
      kind: 'found';
      manifest: ManifestVersion;
      metadata: Record<string, string>;
      contentType: string | undefined;
    }
  | { kind: 'gone'; message: string };

async function headManifest(s3: S3Client, arrival: ManifestArrival): Promise<FoundManifest> {
  let answer: HeadObjectCommandOutput;
  try {
    answer = await s3.send(
      new HeadObjectCommand({ Bucket: arrival.bucket, Key: arrival.key, VersionId: arrival.versionId }),
    );
  } catch (error) {
    const fault = classifyFault(error);
    if (fault.code !== 'NotFound' && fault.code !== 'NoSuchVersion') throw error;
    return {
      kind: 'gone',
      message: `s3://${arrival.bucket}/${arrival.key} version ${arrival.versionId} was deleted before it was read: drop it again`,
    };
  }
  return {
    kind: 'found',
    manifest: { ...arrival, sizeBytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '' },
    metadata: answer.Metadata ?? {},
    contentType: answer.ContentType,
  };
}

async function readStart(s3: S3Client, manifest: ManifestVersion): Promise<Uint8Array> {
  if (manifest.sizeBytes === 0) return new Uint8Array();
  const { Body } = await s3.send(
    new GetObjectCommand({
      Bucket: manifest.bucket,
      Key: manifest.key,
      VersionId: manifest.versionId,
      Range: `bytes=0-${Math.min(HEAD_BYTES, manifest.sizeBytes) - 1}`,
    }),
  );
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}
