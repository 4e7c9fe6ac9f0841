// What the engine is given to write one object: a writer, which alone knows where the bytes come from.
import { guessContentType } from '../attributes/content-type.ts';
import type { ChecksumAlgorithm, ObjectAttributes } from '../attributes/object-attributes.ts';
import { fitsInRequest } from '../attributes/row-attributes.ts';
import type { Fault } from '../aws/classify.ts';
import type { SendOptions } from '../aws/proof.ts';
import type { IfExists } from '../job/options.ts';
import { type ChecksumField, checksumField, DEFAULT_CHECKSUM } from './checksum.ts';
import type { TransferEnd, TransferItem } from './engine.ts';
import type {
  FinalFault,
  PacedPlace,
  PacingDependencies,
  RequestBounds,
  RequestTally,
} from './paced-request.ts';

/** What is written: everything but the bytes. */
export interface ObjectWrite {
  destination: { bucket: string; key: string };
  /** Absent: none. */
  attributes?: ObjectAttributes;
  /** Whether the key's ending gives the content type, if neither the attributes nor the source have one. */
  guessesType?: boolean;
  ifExists: IfExists;
}

/** What S3 answered about the object that was written. */
export interface WrittenObject {
  etag: string;
  versionId?: string;
  /** Base64, where S3 answers one: CRC32, unless another is named. */
  checksum?: string;
  checksumAlgorithm?: ChecksumAlgorithm;
  /** Bytes that were sent; a server-side copy sends none, and S3 does not say how many it copied. */
  bytes?: number;
}

/** What a row that ends without its object may leave. */
interface Abandonable {
  /**
   * The row ends without its object: aborts what its deliveries have begun of it.
   * @param mayBeBegun whether an earlier delivery may have begun something: that is looked up then
   * @throws what the S3 client or the memory throws: S3 keeps and bills the parts then
   */
  abandon?(mayBeBegun: boolean): Promise<void>;
}

/** Writes an object by many requests. Each is paced and tried again apart, and what is done is kept from delivery to delivery. */
export interface PartedWriter extends Abandonable {
  /** @param tally counts each request that is answered */
  transfer(
    dependencies: PacingDependencies,
    item: TransferItem,
    bounds: RequestBounds,
    tally: RequestTally,
  ): Promise<TransferEnd>;
}

/** The writer of one object. It is made for each delivery, so it may keep what it learns from one try to the next. */
export interface ObjectWriter extends Abandonable {
  /** Places beside the destination that the next try sends requests to: the try waits for a turn at each. Absent: none. */
  alsoAsks?(): readonly PacedPlace[];
  /**
   * One try.
   * @param ask sends the requests to the places of `alsoAsks`
   * @param cutOff ends the requests; absent where they need not end early
   * @throws what the S3 client throws, which classifyFault reads; or what `ask` throws
   */
  write(ask: AskSource, cutOff?: AbortSignal): Promise<WrittenObject>;
  /**
   * Looks at the object that a conditional write found: after a lost answer it may be our own.
   * @returns undefined where the object is another's
   * @throws what the S3 client throws; an error named SourceUnreadable where the source is gone that it would be compared with
   */
  recognise(cutOff?: AbortSignal): Promise<WrittenObject | undefined>;
  /** The object is known to be too large for one request. Absent: it is written by `write`. */
  parted?: PartedWriter;
  /** What a refusal means for this source. Absent, or undefined: what it means for any object. */
  explain?(fault: FinalFault): RefusalMeaning | undefined;
}

export type RefusalMeaning =
  | { kind: 'try-again' }
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'in-parts'; parted: PartedWriter };

/**
 * Sends one request to a source. It is counted, and its answer sets the pace of the source's place, not the destination's.
 * @param explain gives a permanent fault the code and message that the row is to have
 * @throws SourceRefusal
 */
export type AskSource = <Answer>(
  place: PacedPlace,
  send: () => Promise<Answer>,
  explain?: (fault: Fault, error: unknown) => Fault,
) => Promise<Answer>;

/** The stored object according to an answer, without what the answer leaves out, and without the usual algorithm's name. */
export function writtenObject({
  etag = '',
  ...more
}: { [Name in keyof WrittenObject]?: WrittenObject[Name] | undefined }): WrittenObject {
  const given = Object.entries(more).filter(
    ([name, value]) => value !== undefined && !(name === 'checksumAlgorithm' && value === DEFAULT_CHECKSUM),
  );
  return { etag, ...Object.fromEntries(given) };
}

/** What the SDK's answers say of an object, whether it was written, completed or found. */
type ObjectAnswer = { [Name in 'ETag' | 'VersionId' | ChecksumField]?: string | undefined };

/** The stored object according to an answer of the SDK's. @param algorithm of its checksum, where it asks for one */
export function objectIn(
  answer: ObjectAnswer,
  algorithm: ChecksumAlgorithm = DEFAULT_CHECKSUM,
  bytes?: number,
): WrittenObject {
  const { ETag: etag, VersionId: versionId, [checksumField(algorithm)]: checksum } = answer;
  return writtenObject({ etag, versionId, checksum, checksumAlgorithm: algorithm, bytes });
}

/** A listener costs more, the more requests share the signal: 2% of a request's time at 256 at once. */
export function endedBy(cutOff: AbortSignal | undefined): Pick<SendOptions, 'abortSignal'> {
  return cutOff === undefined ? {} : { abortSignal: cutOff };
}

/** With the type that the key's ending says, where the row, its job and its source have none. */
export function withGuessedType(write: ObjectWrite): ObjectWrite {
  const { attributes = {}, destination, guessesType } = write;
  if (guessesType !== true || attributes.contentType !== undefined) return write;
  const contentType = guessContentType(destination.key);
  if (contentType === undefined) return write;
  const typed = { ...attributes, contentType };
  // Ingest has checked the attributes without this type. A guessed type must not fail the row.
  return fitsInRequest(typed) ? { ...write, attributes: typed } : write;
}
