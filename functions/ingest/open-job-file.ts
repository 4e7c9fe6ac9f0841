// Opens a job file: finds the manifest that it names, pins its version, and puts the options together.
//
// Of an option that several places give, the first of these counts:
//   1. metadata of the job file
//   2. `options` in the job file
//   3. metadata of the manifest
//   4. the default
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { readStart } from '../../shared/blocks/conversion-input.ts';
import { type JobFault, jobFault } from '../../shared/job/job.ts';
import { MAX_JOB_FILE_BYTES, parseJobFile } from '../../shared/job/job-file.ts';
import { optionTextsOfMetadata, parseJobOptions } from '../../shared/job/options.ts';
import { boundedText } from '../../shared/text/bounded.ts';
import { type FoundManifest, findNamed } from './find-manifest.ts';

export type OpenedJobFile =
  /** `manifest` is the list of objects; `options` are texts by name. */
  | { kind: 'named'; manifest: FoundManifest; options: Readonly<Record<string, string>> }
  | { kind: 'unreadable'; fault: JobFault };

export async function openJobFile(
  { reader, destinationBuckets }: { reader: ObjectReader; destinationBuckets: readonly string[] },
  { manifest: file, metadata }: FoundManifest,
): Promise<OpenedJobFile> {
  const place = `s3://${file.bucket}/${file.key}`;
  const refuse = (code: string, message: string): OpenedJobFile => ({
    kind: 'unreadable',
    fault: jobFault(code, message),
  });
  if (file.sizeBytes > MAX_JOB_FILE_BYTES) {
    const message = `has ${file.sizeBytes} bytes, and may have ${MAX_JOB_FILE_BYTES}: it names a manifest, and holds no rows`;
    return refuse('InvalidJobFile', `the job file ${place} ${message}`);
  }
  const { bytes } = await readStart(reader, file);
  const parsed = parseJobFile(bytes, { key: file.key, inbox: file.bucket });
  const own = { ...parsed.options, ...optionTextsOfMetadata(metadata) };
  const faultsOf = (texts: Readonly<Record<string, string>>): string[] => {
    const options = parseJobOptions(texts, destinationBuckets);
    return options.kind === 'invalid' ? [`options: ${options.message}`] : [];
  };
  const refuseFile = (faults: readonly string[]) =>
    refuse('InvalidJobFile', `the job file ${place}: ${boundedText(faults.join('; '))}`);
  if (parsed.manifest === undefined || parsed.faults.length > 0)
    return refuseFile([...parsed.faults, ...faultsOf(own)]);

  const { key, versionId } = parsed.manifest;
  const named = await findNamed(
    reader,
    { bucket: file.bucket, key, versionId },
    {
      by: 'the job file',
      remedy: 'put it there, then drop the job file again',
    },
  );
  if (named.kind === 'unreadable') return named;
  const all = { ...optionTextsOfMetadata(named.manifest.metadata), ...own };
  // The manifest may give what the file's options need, such as the encryption of a KMS key. Its own faults are named later.
  const faults = faultsOf(all);
  if (faults.length > 0 && faultsOf(own).length > 0) return refuseFile(faults);
  return { kind: 'named', manifest: named.manifest, options: all };
}
