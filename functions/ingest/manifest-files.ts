// Cuts the files that hold a job's rows into slices, one file after the other: the job's manifest, or the files of its list.
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, readRange } from '../../shared/aws/object-range.ts';
import type { JobFault, NamedManifest, OpenedJob, PlanCursor } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import type { SliceLimits } from '../../shared/manifest/format.ts';
import { formatOf } from '../../shared/manifest/formats/all.ts';
import type { ByteRange, SlicePlace } from '../../shared/manifest/slice-place.ts';
import { readConvertedList } from './converted-files.ts';
import { readRedriveReport } from './redrive-report.ts';

/**
 * slice   the next slice; `next` is the plan's cursor behind it
 * gone    a file, or the list, no longer exists: nothing more can be cut
 */
export type Cut =
  | { kind: 'slice'; place: SlicePlace; rows: number; next: PlanCursor }
  | { kind: 'gone'; fault: JobFault };

/** Cuts what is left behind the cursor `job.plan`. */
export async function* cutFiles(
  reader: ObjectReader,
  job: OpenedJob & { plan: PlanCursor },
  limits: SliceLimits,
): AsyncGenerator<Cut> {
  const listed = await listFiles(reader, job);
  if (listed.kind === 'unreadable') {
    yield { kind: 'gone', fault: listed.fault };
    return;
  }
  const { head, plan } = job;
  let { slices, rows } = plan;
  for (let number = plan.file ?? 0; number < listed.files.length; number++) {
    const file = listed.files[number] as NamedManifest;
    const isStarted = number === (plan.file ?? 0);
    const rest: ByteRange = {
      startOffset: isStarted ? plan.offset : head.bodyOffset,
      startLine: isStarted ? plan.line : head.bodyLine,
      endOffset: file.sizeBytes,
    };
    const read = (start: number, end: number) => readRange(reader, file, start, end);
    try {
      for await (const slice of formatOf(head).split(head, rest, read, limits)) {
        // A plan that goes on behind its last slice may find blank lines alone.
        if (slice.rows === 0 && slices > 0) continue;
        slices += 1;
        rows += slice.rows;
        const place: SlicePlace =
          job.files === undefined
            ? { kind: 'manifest-bytes', ...slice.range }
            : { kind: 'file-bytes', file: nameOf(file), ...slice.range };
        const cursor = job.files === undefined ? {} : { file: number };
        yield { kind: 'slice', place, rows: slice.rows, next: { slices, rows, ...slice.next, ...cursor } };
      }
    } catch (error) {
      if (!isGone(classifyFault(error))) throw error;
      yield { kind: 'gone', fault: goneFault(file) };
      return;
    }
  }
}

type Listed = { kind: 'readable'; files: NamedManifest[] } | { kind: 'unreadable'; fault: JobFault };

/** Each invocation that cuts reads the list again: a job's row can't hold tens of thousands of files. */
async function listFiles(reader: ObjectReader, { manifest, files }: OpenedJob): Promise<Listed> {
  switch (files?.kind) {
    case undefined:
      return { kind: 'readable', files: [manifest] };
    case 'manifest':
      return { kind: 'readable', files: [files] };
    case 'report':
      return readRedriveReport(reader, files);
    case 'converted':
      return readConvertedList(reader, files);
  }
}

/** Without a version, the ETag says which object it must still be. */
function nameOf({ bucket, key, versionId, etag }: NamedManifest): StoredObject {
  if (versionId !== undefined) return { bucket, key, versionId };
  return { bucket, key, ...(etag === undefined ? {} : { etag }) };
}

function goneFault({ bucket, key }: NamedManifest): JobFault {
  return {
    code: 'ManifestGone',
    message: `s3://${bucket}/${key} was deleted or replaced before it was cut into slices: its rows are not known; drop them again`,
  };
}
