// Starts a job: reads a manifest's version in the inbox, and makes the row that freezes how it is processed. Where it can't
// be processed, the row says why.
import { HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, versionOf } from '../../shared/aws/object-range.ts';
import { createConversionInput, openConversion, readStart } from '../../shared/blocks/conversion-input.ts';
import { rateOf } from '../../shared/job/frozen-options.ts';
import {
  arrivedObject,
  idNamedBy,
  type JobId,
  jobIdOfManifest,
  type ManifestArrival,
  sliceBytesOf,
} from '../../shared/job/identity.ts';
import {
  type FileList,
  type JobFault,
  jobFault,
  type ManifestVersion,
  type NewJob,
  type UnopenedJob,
} from '../../shared/job/job.ts';
import { isJobFile } from '../../shared/job/job-file.ts';
import { isManifestOrder, parseManifestOrder } from '../../shared/job/manifest-order.ts';
import {
  type JobOptions,
  optionTextsOfMetadata,
  parseFrozenOptions,
  parseJobOptions,
} from '../../shared/job/options.ts';
import { isRedriveOrder, type ParsedOrder, parseRedriveOrder } from '../../shared/job/redrive-order.ts';
import { takenJob, unopenedJob } from '../../shared/job/unopened-job.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import { conversionFor } from '../../shared/manifest/conversions/all.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import type { ManifestHead } from '../../shared/manifest/formats/all.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { canReadRowsOf } from '../../shared/manifest/parser-version.ts';
import { blockRowsOf } from '../../shared/pacing/job-rate.ts';
import { jobReportKey } from '../../shared/report/report.ts';
import { boundedNames } from '../../shared/text/bounded.ts';
import { convertedList } from './converted-files.ts';
import { reportOrderOf } from './dropped-report.ts';
import { headNamed } from './head-named.ts';
import { openJobFile } from './open-job-file.ts';
import { readRedriveReport } from './redrive-report.ts';

const DAY_SECONDS = 24 * 3600;

export interface StartDependencies {
  reader: ObjectReader;
  destinationBuckets: readonly string[];
  /** Buckets of files that a manifest may name as its parts. */
  sourceBuckets: readonly string[];
  /** Buckets that the API may name manifests in. */
  manifestBuckets: readonly string[];
  /** The bucket of the reports that redrives read, and of the text of converted manifests. */
  reportBucket: string;
  /** How this deployment cuts manifests: frozen in the job. */
  cut: Pick<NewJob, 'sliceBytes' | 'blockRows'>;
  /** Days for which outcomes and converted text are kept. */
  keepDays: number;
  nowMs: number;
}

/** @returns the job's new row: of a job that is planned, or of one that fails because its manifest can't be opened */
export async function startJob(
  dependencies: StartDependencies,
  arrival: ManifestArrival,
): Promise<NewJob | UnopenedJob> {
  const { reader, reportBucket, cut, keepDays, nowMs } = dependencies;
  const { s3 } = reader;
  const named = idNamedBy(arrival);
  if (named !== undefined && (await hasReport(s3, reportBucket, named)))
    return takenJob(arrival, named, nowMs);

  const found = await headManifest(s3, arrival);
  if (found.kind === 'gone')
    return unopenedJob(arrival, nowMs, { code: 'ManifestGone', message: found.message });
  const { manifest } = found;

  const opened = await openFound(dependencies, found, arrival);
  if (opened.kind === 'unreadable')
    return { ...unopenedJob(arrival, nowMs, opened.fault), manifest, ...opened.known };
  const { head, options, files } = opened.opening;
  const late = deadlineFault(options, keepDays);
  if (late !== undefined)
    return { ...unopenedJob(arrival, nowMs, jobFault('InvalidOptions', late)), manifest, options };
  return {
    id: jobIdOfManifest(arrival),
    state: 'planning',
    manifest,
    parserVersion: PARSER_VERSION,
    blockRows: blockRowsOf(cut.blockRows, rateOf(options)),
    ...opened.opening,
    control: 'run',
    startedAtMs: nowMs,
    deadlineMs: nowMs + options.deadlineSeconds * 1000,
    plan: {
      slices: 0,
      rows: 0,
      offset: head.bodyOffset,
      line: head.bodyLine,
      ...(files === undefined ? {} : { file: 0 }),
    },
    settledGroups: new Set(),
  };
}

/** A job reads its outcomes until its end: those that expire before would be reported as lost, though their objects are stored. */
function deadlineFault({ deadlineSeconds }: JobOptions, keepDays: number): string | undefined {
  const most = keepDays * DAY_SECONDS;
  return deadlineSeconds <= most
    ? undefined
    : `deadline-seconds is ${deadlineSeconds}, and this stage keeps outcomes for ${keepDays} days: give ${most} at most, or deploy with a larger reportDays`;
}

/** What an opened manifest adds to its job. */
type Opening = Pick<NewJob, 'head' | 'options' | 'sliceBytes' | 'files' | 'redriveOf'> & {
  parserVersion?: number;
};
/** What an opening that failed had read by then. */
type Known = Pick<UnopenedJob, 'options' | 'redriveOf'>;

type Opened = { kind: 'opened'; opening: Opening } | { kind: 'unreadable'; fault: JobFault; known?: Known };

/** By what lies in the inbox: an order for a redrive or for a manifest elsewhere, a job file, or the rows themselves. */
async function openFound(
  dependencies: StartDependencies,
  found: FoundManifest,
  arrival: ManifestArrival,
): Promise<Opened> {
  const { manifest } = found;
  const job = jobIdOfManifest(arrival);
  if (isRedriveOrder(found.contentType)) return openRedrive(dependencies, manifest);
  if (isManifestOrder(found.contentType)) {
    // None but the API writes a key that names a job. Others could name what they may not read.
    return idNamedBy(arrival) === undefined
      ? unreadable('InvalidOrder', 'its content type is that of an order, which the API alone gives')
      : openOrdered(dependencies, found, job);
  }
  if (!isJobFile(manifest.key))
    return openRows(dependencies, found, job, optionTextsOfMetadata(found.metadata));
  const { reader } = dependencies;
  const start = async (of: ManifestVersion) => (await readStart(reader, of)).bytes;
  const file = await openJobFile({ ...dependencies, readStart: start }, found);
  if (file.kind === 'unreadable') return file;
  const opened = await openRows(dependencies, file.manifest, job, file.options);
  if (opened.kind === 'unreadable') return opened;
  const files = filesOfNamed(opened.opening.files, file.manifest.manifest);
  return { kind: 'opened', opening: { ...opened.opening, files } };
}

/** A manifest that lies where the API was told. Its own metadata holds options too; those of the request count first. */
async function openOrdered(
  dependencies: StartDependencies,
  { manifest: order, metadata }: FoundManifest,
  job: JobId,
): Promise<Opened> {
  const { reader, reportBucket, manifestBuckets } = dependencies;
  const { bytes } = await readStart(reader, order);
  const buckets = { inbox: order.bucket, reportBucket, manifestBuckets };
  const parsed = parseManifestOrder(bytes.toString(), buckets);
  if (parsed.kind === 'invalid') return unreadable('InvalidOrder', parsed.message);
  const named = await headNamed(reader, parsed.manifest, {
    by: 'the request',
    remedy: 'submit it again',
  });
  if (named.kind === 'unreadable') return named;
  const { manifest } = named;
  const options = { ...optionTextsOfMetadata(manifest.metadata), ...optionTextsOfMetadata(metadata) };
  const opened = await openRows(dependencies, manifest, job, options);
  if (opened.kind === 'unreadable') return opened;
  const files = filesOfNamed(opened.opening.files, manifest.manifest);
  return { kind: 'opened', opening: { ...opened.opening, files } };
}

/** Where the rows stand, of a manifest that a job file names: the conversion of one, and the report of a job, stay as they are. */
function filesOfNamed(files: FileList | undefined, manifest: ManifestVersion): FileList {
  if (files === undefined) return { kind: 'manifest', ...manifest };
  return files.kind === 'converted' ? { ...files, manifest } : files;
}

/** Of a manifest that must be converted only the start is converted here, so that a bad header fails the job at once. */
async function openRows(
  dependencies: StartDependencies,
  { manifest, contentType }: FoundManifest,
  job: JobId,
  optionTexts: Readonly<Record<string, string>>,
): Promise<Opened> {
  const { reader, destinationBuckets, sourceBuckets, reportBucket, cut, nowMs } = dependencies;
  const options = parseJobOptions(optionTexts, destinationBuckets);
  if (options.kind === 'invalid') {
    return unreadable('InvalidOptions', `the manifest's metadata x-amz-meta-spillway-*: ${options.message}`);
  }
  const extraColumns = extraColumnsOf(options.options.keyTemplate);
  const start = await readStart(reader, manifest, extraColumns);
  const report = reportOrderOf(start, manifest.key, reportBucket);
  if (report !== undefined) return openDroppedReport(dependencies, report, optionTexts);
  const about = { key: manifest.key, ...(contentType === undefined ? {} : { contentType }) };
  const conversion = conversionFor(start, about);
  const opened =
    conversion === undefined
      ? openManifest(start.bytes, { ...about, sizeBytes: manifest.sizeBytes, extraColumns })
      : await openConversion(
          conversion,
          createConversionInput(reader, manifest, start, sourceBuckets),
          about,
        );
  if (opened.kind === 'unreadable')
    return unreadable(opened.code, opened.message, { options: options.options });
  const opening = {
    options: options.options,
    head: opened.head,
    sliceBytes: sliceBytesOf(manifest.sizeBytes, cut.sliceBytes),
  };
  if (conversion === undefined) return { kind: 'opened', opening };
  const list = convertedList(reportBucket, job, nowMs);
  const files = {
    kind: 'converted',
    ...list,
    conversion: conversion.name,
    ...(contentType === undefined ? {} : { contentType }),
  } as const;
  return { kind: 'opened', opening: { ...opening, files } };
}

/** A redrive has the options of its job, validated again for this deployment. */
async function openRedrive(dependencies: StartDependencies, manifest: ManifestVersion): Promise<Opened> {
  const { bytes } = await readStart(dependencies.reader, manifest);
  return openReport(dependencies, parseRedriveOrder(bytes.toString(), dependencies.reportBucket));
}

/** A job's report that was dropped as a manifest. Its options are those of its job, so the drop can't have others. */
async function openDroppedReport(
  dependencies: StartDependencies,
  order: ParsedOrder,
  optionTexts: Readonly<Record<string, string>>,
): Promise<Opened> {
  const given = Object.keys(optionTexts);
  if (given.length === 0) return openReport(dependencies, order);
  return unreadable(
    'InvalidOptions',
    `the manifest is the report of a job, and keeps that job's options: leave out ${boundedNames(given)}, or drop its files of failed rows`,
  );
}

async function openReport(
  { reader, destinationBuckets, cut }: StartDependencies,
  order: ParsedOrder,
): Promise<Opened> {
  if (order.kind === 'invalid') return unreadable('InvalidRedrive', order.message);
  const { redriveOf, report } = order;
  const old = await readRedriveReport(reader, report);
  if (old.kind === 'unreadable') return { ...old, known: { redriveOf } };
  const options = parseFrozenOptions(old.options, destinationBuckets);
  if (options.kind === 'invalid') {
    return unreadable(
      'InvalidOptions',
      `the options of job ${redriveOf}, which it redrives: ${options.message}`,
      { redriveOf },
    );
  }
  // Each file is one slice. It comes from one slice of the earlier job, which had no more slices than this one may have.
  const sliceBytes = old.files.reduce((most, file) => Math.max(most, file.sizeBytes), cut.sliceBytes);
  const extraColumns = extraColumnsOf(options.options.keyTemplate);
  const head: ManifestHead = {
    ...{ format: 'ndjson', bodyOffset: 0, bodyLine: 1 },
    ...(extraColumns.length === 0 ? {} : { extraColumns }),
  };
  return {
    kind: 'opened',
    opening: {
      ...{ options: options.options, head, sliceBytes, redriveOf, files: { kind: 'report', ...report } },
      // Its rows mean what they meant in that job.
      ...readAs(old.parserVersion),
    },
  };
}

function readAs(parserVersion = PARSER_VERSION): { parserVersion?: number } {
  return canReadRowsOf({ parserVersion }) ? { parserVersion } : {};
}

function unreadable(code: string, message: string, known: Known = {}): Opened {
  return { kind: 'unreadable', fault: { code, message }, known };
}

/** Whether the id has a report. The job's row expires, but its report stays and must not be overwritten. */
async function hasReport(s3: S3Client, bucket: string, job: JobId): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: jobReportKey(job) }));
    return true;
  } catch (error) {
    if (isGone(classifyFault(error))) return false;
    throw error;
  }
}

/** A version of an object in the inbox, and what S3 knows of it. */
export interface FoundManifest {
  manifest: ManifestVersion;
  metadata: Record<string, string>;
  contentType: string | undefined;
}

type Looked = ({ kind: 'found' } & FoundManifest) | { kind: 'gone'; message: string };

async function headManifest(s3: S3Client, arrival: ManifestArrival): Promise<Looked> {
  let answer: HeadObjectCommandOutput;
  try {
    answer = await s3.send(
      new HeadObjectCommand({ Bucket: arrival.bucket, Key: arrival.key, ...versionOf(arrival) }),
    );
  } catch (error) {
    if (!isGone(classifyFault(error))) throw error;
    return goneManifest(arrival);
  }
  // Some S3 implementations ignore a HEAD's condition.
  if ('etag' in arrival && answer.ETag !== arrival.etag) return goneManifest(arrival);
  return {
    kind: 'found',
    manifest: { ...arrivedObject(arrival), sizeBytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '' },
    metadata: answer.Metadata ?? {},
    contentType: answer.ContentType,
  };
}

function goneManifest(arrival: ManifestArrival): Looked {
  const place = `s3://${arrival.bucket}/${arrival.key}`;
  return {
    kind: 'gone',
    message:
      'versionId' in arrival
        ? `${place} version ${arrival.versionId} was deleted before it was read: drop it again`
        : `${place} was replaced or deleted before it was read, and the bucket kept no version of it: drop it again`,
  };
}
