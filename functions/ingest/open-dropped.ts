// Opens what was dropped in the inbox: rows, a job file, an order of the API, or the report of an earlier job. Or says why it
// can't be opened.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { createConversionInput, openStart, readStart } from '../../shared/blocks/conversion-input.ts';
import {
  idNamedBy,
  type JobId,
  jobIdOfManifest,
  type ManifestArrival,
  sliceBytesOf,
} from '../../shared/job/identity.ts';
import type { FileList, JobFault, ManifestVersion, NewJob, UnopenedJob } from '../../shared/job/job.ts';
import { isJobFile } from '../../shared/job/job-file.ts';
import { isManifestOrder, parseManifestOrder } from '../../shared/job/manifest-order.ts';
import { optionTextsOfMetadata, parseFrozenOptions, parseJobOptions } from '../../shared/job/options.ts';
import { isRedriveOrder, type ParsedOrder, parseRedriveOrder } from '../../shared/job/redrive-order.ts';
import { PARSER_VERSION } from '../../shared/manifest/columns.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import type { ManifestHead } from '../../shared/manifest/formats/all.ts';
import { canReadRowsOf } from '../../shared/manifest/parser-version.ts';
import { boundedNames } from '../../shared/text/bounded.ts';
import { convertedList } from './converted-files.ts';
import { reportOrderOf } from './dropped-report.ts';
import { type FoundManifest, findNamed } from './find-manifest.ts';
import { openJobFile } from './open-job-file.ts';
import { readRedriveReport } from './redrive-report.ts';

export interface OpenDependencies {
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
  nowMs: number;
}

/** What an opened manifest adds to its job. */
type Opening = Pick<NewJob, 'head' | 'options' | 'sliceBytes' | 'files' | 'redriveOf'> & {
  parserVersion?: number;
};
/** What an opening that failed had read by then. */
type Known = Pick<UnopenedJob, 'options' | 'redriveOf'>;

type Opened = { kind: 'opened'; opening: Opening } | { kind: 'unreadable'; fault: JobFault; known?: Known };

/** By what lies in the inbox: an order for a redrive or for a manifest elsewhere, a job file, or the rows themselves. */
export async function openDropped(
  dependencies: OpenDependencies,
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
  const file = await openJobFile(dependencies, found);
  return file.kind === 'unreadable' ? file : openNamed(dependencies, file.manifest, job, file.options);
}

/** A manifest that lies where the API was told. Its own metadata holds options too; those of the request count first. */
async function openOrdered(
  dependencies: OpenDependencies,
  { manifest: order, metadata }: FoundManifest,
  job: JobId,
): Promise<Opened> {
  const { reader, reportBucket, manifestBuckets } = dependencies;
  const { bytes } = await readStart(reader, order);
  const buckets = { inbox: order.bucket, reportBucket, manifestBuckets };
  const parsed = parseManifestOrder(bytes.toString(), buckets);
  if (parsed.kind === 'invalid') return unreadable('InvalidOrder', parsed.message);
  const named = await findNamed(reader, parsed.manifest, {
    by: 'the request',
    remedy: 'submit it again',
  });
  if (named.kind === 'unreadable') return named;
  const { manifest } = named;
  const options = { ...optionTextsOfMetadata(manifest.metadata), ...optionTextsOfMetadata(metadata) };
  return openNamed(dependencies, manifest, job, options);
}

/** A manifest that is not the dropped object itself: the job says where its rows stand. */
async function openNamed(
  dependencies: OpenDependencies,
  named: FoundManifest,
  job: JobId,
  optionTexts: Readonly<Record<string, string>>,
): Promise<Opened> {
  const opened = await openRows(dependencies, named, job, optionTexts);
  if (opened.kind === 'unreadable') return opened;
  const { opening } = opened;
  return { kind: 'opened', opening: { ...opening, files: filesOfNamed(opening.files, named.manifest) } };
}

/** Where the rows stand, of a manifest that a job file names: the conversion of one, and the report of a job, stay as they are. */
function filesOfNamed(files: FileList | undefined, manifest: ManifestVersion): FileList {
  if (files === undefined) return { kind: 'manifest', ...manifest };
  return files.kind === 'converted' ? { ...files, manifest } : files;
}

/** Of a manifest that must be converted only the start is converted here, so that a bad header fails the job at once. */
async function openRows(
  dependencies: OpenDependencies,
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
  const opened = await openStart(createConversionInput(reader, manifest, start, sourceBuckets), {
    contentType,
  });
  if (opened.kind === 'unreadable')
    return unreadable(opened.code, opened.message, { options: options.options });
  const opening = {
    options: options.options,
    head: opened.head,
    sliceBytes: sliceBytesOf(manifest.sizeBytes, cut.sliceBytes),
  };
  if (opened.kind === 'readable') return { kind: 'opened', opening };
  const files: FileList = {
    kind: 'converted',
    ...convertedList(reportBucket, job, nowMs),
    conversion: opened.conversion.name,
    ...(contentType === undefined ? {} : { contentType }),
  };
  return { kind: 'opened', opening: { ...opening, files } };
}

/** A redrive has the options of its job, validated again for this deployment. */
async function openRedrive(dependencies: OpenDependencies, manifest: ManifestVersion): Promise<Opened> {
  const { bytes } = await readStart(dependencies.reader, manifest);
  return openReport(dependencies, parseRedriveOrder(bytes.toString(), dependencies.reportBucket));
}

/** A job's report that was dropped as a manifest. Its options are those of its job, so the drop can't have others. */
async function openDroppedReport(
  dependencies: OpenDependencies,
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
  { reader, destinationBuckets, cut }: OpenDependencies,
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
