// Outcomes on their way to the report: one NDJSON file per invocation and slice, in the report bucket under
// outcomes/<job>/<slice>/. They are written before the ledger is, so that everything that the ledger counts can be reported.
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { classifyFault } from '../aws/classify.ts';
import { listKeys } from '../aws/list-keys.ts';
import { sendProven } from '../aws/proof.ts';
import type { SliceId } from '../job/identity.ts';
import { boundedName, boundedText } from '../text/bounded.ts';
import type { OutcomeRecord } from './outcome.ts';
import { parseOutcomeLine } from './outcome-line.ts';

const READ_TRIES = 4;

export interface OutcomeFiles {
  /** @param name unique for the writer, or the same for the same content: it is overwritten */
  write(slice: SliceId, name: string, records: readonly OutcomeRecord[]): Promise<void>;
  /** Keys of the slice's files, in S3's order. */
  list(slice: SliceId): Promise<string[]>;
  read(key: string): Promise<Uint8Array>;
}

export function createOutcomeFiles({ s3, bucket }: { s3: S3Client; bucket: string }): OutcomeFiles {
  return {
    async write(slice, name, records) {
      await sendProven(
        s3,
        new PutObjectCommand({
          Bucket: bucket,
          Key: `${folderOf(slice)}${name}.ndjson`,
          Body: Buffer.from(
            records.map((record) => `${JSON.stringify(withBoundedTexts(record))}\n`).join(''),
          ),
          ContentType: 'application/x-ndjson',
        }),
      );
    },

    async list(slice) {
      return Array.fromAsync(listKeys(s3, bucket, folderOf(slice)));
    },

    read: (key) => readFile(s3, bucket, key),
  };
}

/** A message may be another service's, or made of several; a code is at most an error's name. */
function withBoundedTexts(record: OutcomeRecord): OutcomeRecord {
  if (record.status === 'returned') return record;
  const { code, message } = record;
  if (code === undefined && message === undefined) return record;
  return {
    ...record,
    ...(code === undefined ? {} : { code: boundedName(code) }),
    ...(message === undefined ? {} : { message: boundedText(message) }),
  };
}

/**
 * What a file says.
 * @param name its key, for the error
 * @throws an error named UnreadableOutcomes that names file, line and remedy
 */
export function parseOutcomes(file: Uint8Array, name: string): OutcomeRecord[] {
  const records: OutcomeRecord[] = [];
  for (const [index, line] of new TextDecoder().decode(file).split('\n').entries()) {
    if (line === '') continue;
    const record = parseOutcomeLine(line);
    if (typeof record === 'string') throw unreadable(name, index + 1, record);
    records.push(record);
  }
  return records;
}

/** No row may vanish with the file: whether it may be given up is for its owner to say. */
function unreadable(name: string, line: number, what: string): Error {
  const message =
    `line ${line} of the outcome file ${boundedText(name)} ${what}: another program wrote or cut it. Restore it; ` +
    'or delete it, and its rows are reported as lost';
  return Object.assign(new Error(message), { name: 'UnreadableOutcomes' });
}

/** The SDK sends a request again, but does not fetch an answer again that broke off: one of a slice's many files would be enough. */
async function readFile(s3: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  for (let tries = 1; ; tries++) {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (tries === READ_TRIES || classifyFault(error).kind !== 'transient') throw error;
    }
  }
}

function folderOf({ job, slice }: SliceId): string {
  return `outcomes/${job}/${slice}/`;
}
