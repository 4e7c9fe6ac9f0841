// The files that hold a job's rows, one behind the other: its manifest, or those that a list names. Each is cut into slices of
// its own.
import { classifyFault } from '../../shared/aws/classify.ts';
import { isGone, type ObjectReader, readRange } from '../../shared/aws/object-range.ts';
import type { Job, JobFault, PlanCursor } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import type { ManifestHead } from '../../shared/manifest/open.ts';
import { planSlices, type SlicePlan } from '../../shared/manifest/slices.ts';
import { readRedriveReport } from './redrive-report.ts';

export interface ManifestFile extends StoredObject {
  sizeBytes: number;
}

/**
 * slice   the next one; `next` is where the plan stands behind it
 * gone    a file is no longer there, or its list is not: nothing further can be cut
 */
export type Cut =
  | { kind: 'slice'; slice: SlicePlan; file: StoredObject | undefined; next: PlanCursor }
  | { kind: 'gone'; fault: JobFault };

export type OpenedJob = Job & { head: ManifestHead };

/** Cuts what is left behind the cursor `job.plan`. */
export async function* cutFiles(
  reader: ObjectReader,
  job: OpenedJob,
  limits: { sliceBytes: number; rows: number },
): AsyncGenerator<Cut> {
  const listed = await listFiles(reader, job);
  if (listed.kind === 'unreadable') {
    yield { kind: 'gone', fault: listed.fault };
    return;
  }
  const { head, plan } = job;
  let { slices, rows } = plan;
  for (let number = plan.file ?? 0; number < listed.files.length; number++) {
    const file = listed.files[number] as ManifestFile;
    const from = number === (plan.file ?? 0) ? plan : { offset: head.bodyOffset, line: head.bodyLine };
    const bytes = readRange(reader, file, from.offset, file.sizeBytes);
    try {
      for await (const slice of planSlices(head, from, bytes, limits)) {
        // Blank lines behind the last slice, met by a plan that carries on from there.
        if (slice.rows === 0 && slices > 0) continue;
        slices += 1;
        rows += slice.rows;
        // An end without rows is the cursor itself, with counts of its own.
        const { offset, line } = slice.end;
        const next = { slices, rows, offset, line };
        if (job.files === undefined) yield { kind: 'slice', slice, file: undefined, next };
        else yield { kind: 'slice', slice, file: nameOf(file), next: { ...next, file: number } };
      }
    } catch (error) {
      if (!isGone(classifyFault(error))) throw error;
      yield { kind: 'gone', fault: goneFault(file) };
      return;
    }
  }
}

type Listed = { kind: 'readable'; files: ManifestFile[] } | { kind: 'unreadable'; fault: JobFault };

/** Read again by each invocation that cuts: the job's row holds none of tens of thousands of files. */
async function listFiles(reader: ObjectReader, { manifest, files }: Job): Promise<Listed> {
  return files === undefined ? { kind: 'readable', files: [manifest] } : readRedriveReport(reader, files);
}

function nameOf({ bucket, key, versionId }: ManifestFile): StoredObject {
  return { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
}

function goneFault({ bucket, key }: ManifestFile): JobFault {
  return {
    code: 'ManifestGone',
    message: `s3://${bucket}/${key} was deleted or replaced before it was cut into slices: its rows are not known; drop them again`,
  };
}
