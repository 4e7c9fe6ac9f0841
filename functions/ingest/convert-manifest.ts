// Converts a job's manifest into plain text, before any row is sent: unit by unit, each an object in the report bucket.
//
// What is done shows in the bucket: a unit that is there is whole, and once the list is there all of them are. So every step may
// be repeated, by a further invocation or a second delivery, and nothing else has to be remembered. A unit itself is converted
// from its start to its end by one invocation.
import { isThere, type ObjectReader } from '../../shared/aws/object-range.ts';
import { createConversionInput, readStartAgain } from '../../shared/blocks/conversion-input.ts';
import { MOST_SLICES } from '../../shared/job/identity.ts';
import { jobFault, type NamedManifest, type PlanningJob } from '../../shared/job/job.ts';
import type { StoredObject } from '../../shared/keys/stored-object.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import { conversionNamed } from '../../shared/manifest/conversions/all.ts';
import { ConversionFault, type ConversionInput } from '../../shared/manifest/conversions/conversion.ts';
import { linesLimited } from '../../shared/manifest/conversions/limits.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { unitFile, writeConvertedList, writtenUnits } from './converted-files.ts';
import type { PlanEnd } from './split-manifest.ts';
import { type ControlWatch, watchControl } from './watch-control.ts';
import { writeText } from './write-text.ts';

export interface ConvertDependencies {
  reader: ObjectReader;
  ledger: Pick<Ledger, 'getJob' | 'finishPlan'>;
  sourceBuckets: readonly string[];
  clock: Clock;
}

export interface ConvertTime {
  deadlineMs: number;
  /** The invocation has done nothing else before: a unit that does not fit into it fits into none. */
  isWhole: boolean;
}

/** `converted`: the files of the job's rows are there, or it needs no conversion. Else the plan ends, as it says. */
export type ConvertEnd = { kind: 'converted' } | PlanEnd;

type ConvertingJob = PlanningJob & { files: { kind: 'converted' } };
type Unfinished = 'halted' | 'out of time';

export async function convertManifest(
  dependencies: ConvertDependencies,
  job: PlanningJob,
  time: ConvertTime,
): Promise<ConvertEnd> {
  const { reader, ledger, sourceBuckets, clock } = dependencies;
  if (!isConverting(job) || (await isThere(reader.s3, job.files))) return { kind: 'converted' };
  const { conversion, contentType, manifest = job.manifest } = job.files;
  const control = watchControl({ ledger, clock }, job);
  try {
    const start = await readStartAgain(reader, manifest, extraColumnsOf(job.options.keyTemplate));
    const input = createConversionInput(reader, manifest, start, sourceBuckets);
    const about = { key: manifest.key, ...(contentType === undefined ? {} : { contentType }) };
    const opened = await conversionNamed(conversion).open(input, about);
    if (opened.kind === 'unreadable') return unreadable(opened);
    const end = await convertUnits(dependencies, job, { input, units: opened.units }, control, time);
    return end === 'halted' ? await haltConversion(ledger, job, await control()) : { kind: end };
  } catch (error) {
    if (error instanceof ConversionFault) return unreadable(error);
    throw error;
  }
}

function unreadable({ code, message }: { code: string; message: string }): ConvertEnd {
  return { kind: 'unreadable', fault: jobFault(code, message) };
}

function isConverting(job: PlanningJob): job is ConvertingJob {
  return job.files?.kind === 'converted' && job.plan.slices === 0;
}

async function convertUnits(
  { reader, clock }: ConvertDependencies,
  { files }: ConvertingJob,
  { input, units }: { input: ConversionInput; units: readonly unknown[] },
  control: ControlWatch,
  { deadlineMs, isWhole }: ConvertTime,
): Promise<'converted' | Unfinished> {
  if (units.length > MOST_SLICES) throw tooManyUnits(units.length);
  const conversion = conversionNamed(files.conversion);
  const written = await writtenUnits(reader.s3, files);
  let isFirst = true;
  for (const [number, unit] of units.entries()) {
    if (written.has(number)) continue;
    let stop: Unfinished | undefined;
    const mayGoOn = async () => {
      if ((await control()) !== 'run') stop = 'halted';
      else if (clock.now() >= deadlineMs) stop = 'out of time';
      return stop === undefined;
    };
    if (await mayGoOn()) {
      const text = linesLimited(conversion.convert(unit, input));
      await writeText(reader.s3, unitFile(files, number), text, mayGoOn);
    }
    if (stop === 'out of time' && isFirst && isWhole) throw tooLong(conversion.name);
    if (stop !== undefined) return stop;
    isFirst = false;
  }
  await writeConvertedList(reader, files, await filesOf(reader, files, units.length));
  return 'converted';
}

/** The files of all units in their order, as the bucket has them: some may be of earlier invocations. */
async function filesOf(reader: ObjectReader, list: StoredObject, units: number): Promise<NamedManifest[]> {
  const written = await writtenUnits(reader.s3, list);
  return Array.from({ length: units }, (_, number) => {
    const file = written.get(number);
    if (file === undefined) throw new Error(`unit ${number} of s3://${list.bucket}/${list.key} is gone`);
    return file;
  });
}

/** A job that is to end has no rows yet: its plan ends without any. One that is paused is converted once it is resumed. */
async function haltConversion(
  ledger: ConvertDependencies['ledger'],
  { id, plan }: PlanningJob,
  control: Awaited<ReturnType<ControlWatch>>,
): Promise<PlanEnd> {
  return control === 'cancelling' || control === 'expiring'
    ? { kind: 'finished', job: await ledger.finishPlan(id, plan), plan }
    : { kind: 'halted' };
}

export function tooLong(conversion: string): ConversionFault {
  return new ConversionFault(
    'ConversionTooLong',
    `the manifest could not be converted from ${conversion} in the time of one invocation: split it into smaller ones, or drop it as plain CSV or NDJSON, which has no such limit`,
  );
}

function tooManyUnits(units: number): ConversionFault {
  return new ConversionFault(
    'ExpandedTooLarge',
    `the manifest has ${units} parts, and a job takes up to ${MOST_SLICES}: split it into several manifests`,
  );
}
