// Single tries of rows' writes, through the table of sources and without the engine.
import type { S3Client } from '@aws-sdk/client-s3';
import type { ManifestItem } from '../../shared/manifest/columns.ts';
import { createItemWriter } from '../../shared/sources/table.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import type {
  AskSource,
  ObjectWrite,
  ObjectWriter,
  PartedWriter,
  WrittenObject,
} from '../../shared/transfer/object-writer.ts';

export interface ItemWrite extends ObjectWrite {
  item: ManifestItem;
}

/** Has no rate to keep to, and no account. */
export const askAtOnce: AskSource = (_place, send) => send();

export function createItemWrites(s3: S3Client, clock: Clock = systemClock) {
  const writer = createItemWriter({ s3, clock });
  const begin = async ({ item, ...write }: ItemWrite) => ofOneRequest(await writer.begin(item, write));
  return {
    write: async (write: ItemWrite, cutOff?: AbortSignal): Promise<WrittenObject> =>
      (await begin(write)).write(askAtOnce, cutOff),
    recognise: async (write: ItemWrite, cutOff?: AbortSignal): Promise<WrittenObject | undefined> =>
      (await begin(write)).recognise(cutOff),
  };
}

/** The writer of a source whose objects take one request each. */
export function ofOneRequest(writer: ObjectWriter | PartedWriter): ObjectWriter {
  if ('transfer' in writer) throw new Error('this source writes its objects by requests of its own');
  return writer;
}
