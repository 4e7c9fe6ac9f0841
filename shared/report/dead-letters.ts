// The store of dead letters: each is kept whole in the report bucket under deadletters/, with what was decided about it. A name
// begins with the time at which the message was sent, so S3 lists letters by age. A redelivered letter keeps its name.
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { classifyFault } from '../aws/classify.ts';
import { sendProven } from '../aws/proof.ts';
import { putIfAbsent } from '../aws/put-if-absent.ts';
import type { ItemId } from '../job/identity.ts';
import { boundedText } from '../text/bounded.ts';

const FOLDER = 'deadletters/';
const SUFFIX = '.json';
/** Letters read at once for a list: each may be a message of SQS's 1 MiB. */
const READ_CONCURRENCY = 8;

/**
 * What was decided about a dead letter. It is stored first and carried out next; after a crash between the two, both happen
 * again.
 *
 *   suspect       an item: it is sent again, to be uploaded alone
 *   row-failed    an item that came back as suspect: its row ends as failed (DeadLettered)
 *   slice-failed  a slice: its rows that were never sent end as failed (IngestFailed)
 *   job-failed    a manifest that can't be cut, or a job that can't be settled: the job ends as failed. The known rows of a
 *                 manifest are accounted for first
 *   sent-again    it is sent again with a long delay: no other message does its work
 *   nothing-left  its row or its job had ended before, or another message does its work
 *   unhandled     handling it failed: it stays in the dead-letter queue and is tried again
 *   unreadable    it names no known row or job, or does not belong in the queue that it comes from. A row that it meant is still open in its block: sweep sends it again once its
 *                 slice makes no progress
 */
export type DeadLetterKind =
  | 'suspect'
  | 'row-failed'
  | 'slice-failed'
  | 'job-failed'
  | 'sent-again'
  | 'nothing-left'
  | 'unhandled'
  | 'unreadable';

/** With the row, slice or job, as far as the letter names them. */
export interface DeadLetterDecision extends Partial<ItemId> {
  kind: DeadLetterKind;
  /** Why, in a sentence. */
  reason: string;
}

export interface DeadLetter extends DeadLetterDecision {
  /** The dead-letter queue that it lay in. */
  queue: string;
  /** The queue that it was in before. Absent where SQS names none, and in letters of earlier versions. */
  source?: string;
  messageId: string;
  /** ISO time at which it was sent to the queue that it was first in. */
  sentAt: string;
  /** ISO time at which it was decided about. The name is that of stored letters and of the API. */
  buriedAt: string;
  /** The message as it came. */
  body: string;
  attributes: Record<string, unknown>;
  messageAttributes: Record<string, unknown>;
}

/** A letter in a list: without the message itself, which may be long. */
export interface DeadLetterEntry extends Omit<DeadLetter, 'body' | 'attributes' | 'messageAttributes'> {
  /** Takes it to `read`. */
  id: string;
  bodyBytes: number;
}

export interface DeadLetterPage {
  letters: DeadLetterEntry[];
  /** Give it back to get the next page; absent on the last. */
  cursor?: string;
}

type LetterName = Pick<DeadLetter, 'sentAt' | 'queue' | 'messageId'>;

export type DeadLetterFiles = ReturnType<typeof createDeadLetterFiles>;

export function createDeadLetterFiles({ s3, bucket }: { s3: S3Client; bucket: string }) {
  /** @returns undefined where no letter has that id, or it has expired */
  async function read(id: string): Promise<DeadLetter | undefined> {
    try {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(id) }));
      return JSON.parse((await Body?.transformToString()) ?? '') as DeadLetter;
    } catch (error) {
      if (classifyFault(error).code === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  return {
    /** Where a letter is or will be stored: s3://bucket/key */
    placeOf: (letter: LetterName): string => `s3://${bucket}/${keyOf(idOf(letter))}`,

    /** @param keep which one stays where the letter is stored already. A first one of kind `unhandled` is always replaced */
    async write(letter: DeadLetter, keep: 'first' | 'latest'): Promise<void> {
      const put = {
        Bucket: bucket,
        Key: keyOf(idOf(letter)),
        Body: Buffer.from(`${JSON.stringify({ ...letter, reason: boundedText(letter.reason) }, null, 2)}\n`),
        ContentType: 'application/json',
      };
      if (keep === 'latest') await sendProven(s3, new PutObjectCommand(put));
      else if ((await putIfAbsent(s3, put)) === 'exists' && letter.kind !== 'unhandled') {
        // The record of a failed attempt is no decision about the letter.
        if ((await read(idOf(letter)))?.kind === 'unhandled') await sendProven(s3, new PutObjectCommand(put));
      }
    },

    /**
     * Letters by the time of their sending, oldest first.
     * @param cursor of the page before, or a time: `2026-11-24` starts at the letters sent from then on
     */
    async list(limit: number, cursor?: string): Promise<DeadLetterPage> {
      const { Contents = [], IsTruncated } = await s3.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: FOLDER,
          MaxKeys: limit,
          ...(cursor === undefined ? {} : { StartAfter: `${FOLDER}${cursor}` }),
        }),
      );
      const names = Contents.map(({ Key = '' }) => Key.slice(FOLDER.length));
      const entries = await pMap(
        names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)),
        async (id) => entryOf(id, await read(id)),
        { concurrency: READ_CONCURRENCY },
      );
      const last = names.at(-1);
      return {
        // A letter may expire between its listing and its reading.
        letters: entries.filter((entry) => entry !== undefined),
        ...(IsTruncated === true && last !== undefined ? { cursor: last } : {}),
      };
    },

    read,
  };
}

/** The cursor of the page that starts after this letter. */
export function cursorBehind({ id }: Pick<DeadLetterEntry, 'id'>): string {
  return `${id}${SUFFIX}`;
}

/** Names of letters start with a time. A list that starts at any other text could silently skip letters. */
export function isLetterCursor(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text);
}

function idOf({ sentAt, queue, messageId }: LetterName): string {
  return `${sentAt}-${queue}-${messageId}`;
}

function keyOf(id: string): string {
  return `${FOLDER}${id}${SUFFIX}`;
}

function entryOf(id: string, letter: DeadLetter | undefined): DeadLetterEntry | undefined {
  if (letter === undefined) return undefined;
  const { body, attributes: _attributes, messageAttributes: _messageAttributes, ...entry } = letter;
  return { ...entry, reason: boundedText(entry.reason), id, bodyBytes: Buffer.byteLength(body) };
}
