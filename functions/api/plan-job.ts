// POST /plans: reads a manifest as its job would, and answers what the job would do: counts, faults, requests, cost and time.
// Nothing is stored or sent.
import { type ObjectReader, readRange } from '../../shared/aws/object-range.ts';
import { type AboutStart, openStart } from '../../shared/blocks/conversion-input.ts';
import type { ManifestBuckets } from '../../shared/job/manifest-order.ts';
import type { JobOptions } from '../../shared/job/options.ts';
import { ConversionFault, type ConversionInput } from '../../shared/manifest/conversions/conversion.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import type { ManifestStart } from '../../shared/manifest/format.ts';
import type { ManifestHead } from '../../shared/manifest/formats/all.ts';
import type { SourceConfiguration } from '../../shared/sources/source.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { type OptionBounds, readOptions } from './job-options.ts';
import { type ApiEvent, json, type RouteHandler } from './json-api.ts';
import { findPlaced, namesPlace, readPlace } from './manifest-place.ts';
import { inputOfBytes, NamesFilesError } from './open-posted.ts';
import { planRows } from './plan-rows.ts';
import { createPlanTime, type PlanTime } from './plan-time.ts';
import { faultAt, type HttpError } from './problem.ts';
import { definedTexts, type OptionTexts } from './read-submission.ts';
import { messageOf, submissionOf } from './submit-job.ts';

/** Bytes of a manifest that a plan reads, before it is unpacked. Its time bounds a plan as well: plan-time.ts. */
export const MAX_PLANNED_BYTES = 32 * 1024 * 1024;
/** Bytes of its text. */
export const MAX_PLANNED_TEXT_BYTES = 64 * 1024 * 1024;

export interface PlanJobDependencies
  extends Pick<ObjectReader, 's3' | 'random'>,
    ManifestBuckets,
    OptionBounds {
  clock: Clock;
  sources: SourceConfiguration;
  kmsKeys: readonly string[];
  cut: { sliceBytes: number; blockRows: number };
}

/** The bytes of a manifest, and what is known of it. */
interface Loaded {
  bytes: Buffer;
  about: AboutStart;
  options: JobOptions;
  input: (start: ManifestStart) => ConversionInput;
  /** Where faults of the manifest are. */
  place: string;
}

export function createPlanJob(dependencies: PlanJobDependencies): RouteHandler<'planJob'> {
  return async ({ event, query, remainingMs }) => {
    const isPlaced = namesPlace(event.json?.value);
    const time = createPlanTime(dependencies.clock, remainingMs(), isPlaced ? 'body.manifest' : 'body');
    const loaded = isPlaced
      ? await time.ofReading(loadPlaced(dependencies, event, query))
      : loadPosted(dependencies, event, query);
    const { head, text } = await textOf(loaded, time);
    const { sources, kmsKeys, cut } = dependencies;
    return json(200, await planRows({ head, text, options: loaded.options, sources, kmsKeys, cut }, time));
  };
}

function loadPosted(bounds: OptionBounds, event: ApiEvent, query: OptionTexts): Loaded {
  const { contentType, bytes: body, wasText, options } = submissionOf(event, query);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return {
    bytes,
    about: { contentType, wasText },
    options: readOptions(options, bounds),
    input: inputOfBytes,
    place: 'body',
  };
}

async function loadPlaced(
  dependencies: PlanJobDependencies,
  event: ApiEvent,
  query: OptionTexts,
): Promise<Loaded> {
  const request = readPlace(event.json?.value, definedTexts(query));
  const { place, sizeBytes, contentType, options } = await findPlaced(dependencies, request, dependencies);
  if (sizeBytes > MAX_PLANNED_BYTES) throw tooLarge(`the manifest has ${sizeBytes} bytes`, 'body.manifest');
  const manifest = { ...place, sizeBytes };
  const parsed = readOptions(options, dependencies);
  const bytes = Buffer.concat(await Array.fromAsync(readRange(dependencies, manifest, 0, sizeBytes)));
  return {
    bytes,
    about: { contentType },
    options: parsed,
    input: (start) => ({
      ...inputOfBytes(start),
      manifest,
      find: () => Promise.reject(new NamesFilesError()),
    }),
    place: 'body.manifest',
  };
}

/** The text that the rows stand in, and how they are read. */
async function textOf(
  { bytes, about, options, input, place }: Loaded,
  time: PlanTime,
): Promise<{ head: ManifestHead; text: Buffer }> {
  const extraColumns = extraColumnsOf(options.keyTemplate);
  const read = input({ bytes, sizeBytes: bytes.length, extraColumns });
  try {
    const opened = await openStart(read, about);
    if (opened.kind === 'unreadable') throw unreadable(messageOf(opened, bytes), place);
    if (opened.kind === 'readable') return { head: opened.head, text: bytes };
    const { conversion } = opened;
    const chunks: Uint8Array[] = [];
    let textBytes = 0;
    for (const unit of opened.units) {
      for await (const chunk of conversion.convert(unit, read)) {
        time.check();
        textBytes += chunk.length;
        if (textBytes > MAX_PLANNED_TEXT_BYTES)
          throw tooLarge(
            `the manifest, converted from ${conversion.name}, has more than ${MAX_PLANNED_TEXT_BYTES} bytes`,
            place,
          );
        chunks.push(chunk);
      }
    }
    return { head: opened.head, text: Buffer.concat(chunks) };
  } catch (error) {
    if (error instanceof ConversionFault) throw unreadable(error.message, place);
    if (error instanceof NamesFilesError) {
      throw unreadable(
        'the manifest names other files, and a plan reads one: plan one of those files, or submit the manifest',
        place,
      );
    }
    throw error;
  }
}

function unreadable(message: string, place: string): HttpError {
  return faultAt(400, place, message);
}

function tooLarge(what: string, place: string): HttpError {
  const remedy = 'plan a part of it, or submit it; its job rejects bad rows and reports them';
  return faultAt(413, place, `${what}, and a plan reads up to ${MAX_PLANNED_BYTES}: ${remedy}`);
}
