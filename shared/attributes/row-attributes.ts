// The attributes of a row's object: those of its job, with the row's own over them.
//
//   metadata, tags   merged by name: a row's value counts where both have the name
//   encryption       a row's kind of encryption leaves the job's key, unless it is the same kind
//   all others       a row's value counts
import {
  type EncryptionName,
  MAX_ATTRIBUTE_BYTES,
  MAX_CONTENT_HEADER_BYTES,
  MAX_METADATA_BYTES,
  MAX_TAGS,
  type StorageClassChoice,
} from './checks.ts';
import {
  attributeHeaders,
  type ChecksumAlgorithm,
  type Encryption,
  given,
  mergeAttributes,
  type ObjectAttributes,
} from './object-attributes.ts';
import { pairsOf } from './text-pairs.ts';

/** As a row's columns hold them. */
export type RowAttributes = {
  content_type?: string;
  cache_control?: string;
  content_disposition?: string;
  content_encoding?: string;
  content_language?: string;
  metadata?: Readonly<Record<string, string>>;
  tags?: Readonly<Record<string, string>>;
  storage_class?: StorageClassChoice;
  encryption?: EncryptionName;
  kms_key?: string;
  /** Of NDJSON a member true or false, of CSV its text. */
  bucket_key?: boolean | 'true' | 'false';
  checksum_algorithm?: ChecksumAlgorithm;
};

/** As a job's options hold them. */
export interface JobAttributes {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  metadata?: string;
  tags?: string;
  storageClass?: StorageClassChoice;
  encryption?: EncryptionName;
  kmsKey?: string;
  bucketKey?: 'true' | 'false';
  checksumAlgorithm?: ChecksumAlgorithm;
}

export interface AttributeFault {
  code: 'KmsKeyInvalid' | 'HeadersTooLarge' | 'MetadataTooLarge' | 'TooManyTags' | 'AttributesTooLarge';
  message: string;
}

/** The headers of an object's content, by their names as options and as columns. */
const CONTENT_HEADERS = [
  ['contentType', 'content_type'],
  ['cacheControl', 'cache_control'],
  ['contentDisposition', 'content_disposition'],
  ['contentEncoding', 'content_encoding'],
  ['contentLanguage', 'content_language'],
] as const;
const COLUMNS: ReadonlySet<string> = new Set<keyof RowAttributes>([
  ...CONTENT_HEADERS.map(([, column]) => column),
  ...(['metadata', 'tags', 'storage_class', 'encryption', 'kms_key', 'bucket_key'] as const),
  'checksum_algorithm',
]);

/** Reads the job's once: most rows of a manifest have none of their own. */
export function createRowAttributes(job: JobAttributes) {
  const own = ofJob(job);
  /** Of rows without any of their own; upload never asks. */
  let ofPlain: { fault: AttributeFault | undefined } | undefined;
  const faultOfPlain = () => {
    const namesKey = job.kmsKey !== undefined || job.bucketKey !== undefined;
    ofPlain ??= { fault: faultOfAttributes(own, namesKey) };
    return ofPlain.fault;
  };
  const merged = (row: RowAttributes): ObjectAttributes => {
    const encryption = encryptionOf(row, job);
    const { encryption: _, ...under } = own;
    // The class of one of the two counts, not a class and the wish for the source's.
    if (row.storage_class !== undefined) {
      delete under.storageClass;
      delete under.keepsClass;
    }
    return { ...mergeAttributes(under, ofRow(row)), ...(encryption === undefined ? {} : { encryption }) };
  };
  return {
    of: (row: RowAttributes): ObjectAttributes => (isPlain(row) ? own : merged(row)),
    /** What only the row and its job together show. @returns undefined where S3 takes them */
    faultOf: (row: RowAttributes): AttributeFault | undefined =>
      isPlain(row)
        ? faultOfPlain()
        : faultOfAttributes(merged(row), row.kms_key !== undefined || row.bucket_key !== undefined),
  };
}

/** Ingest asks for every row: one has fewer columns than there are attributes. */
function isPlain(row: RowAttributes): boolean {
  for (const column in row) {
    if (COLUMNS.has(column) && row[column as keyof RowAttributes] !== undefined) return false;
  }
  return true;
}

/** What is wrong with the attributes of a job by themselves. */
export function faultOfJobAttributes(job: JobAttributes): AttributeFault | undefined {
  return createRowAttributes(job).faultOf({});
}

function ofJob(job: JobAttributes): ObjectAttributes {
  const encryption = encryptionOf({}, job);
  return {
    ...contentHeaders((field) => job[field]),
    ...(job.metadata === undefined ? {} : { metadata: inLowerCase(pairsOf(job.metadata)) }),
    ...(job.tags === undefined ? {} : { tags: pairsOf(job.tags) }),
    ...storageClass(job.storageClass),
    ...given('encryption', encryption),
    ...given('checksumAlgorithm', job.checksumAlgorithm),
  };
}

/** All but the encryption, which needs the job's. */
function ofRow(row: RowAttributes): ObjectAttributes {
  return {
    ...contentHeaders((_, column) => row[column]),
    ...(row.metadata === undefined ? {} : { metadata: inLowerCase(Object.entries(row.metadata)) }),
    ...(row.tags === undefined ? {} : { tags: new Map(Object.entries(row.tags)) }),
    ...storageClass(row.storage_class),
    ...given('checksumAlgorithm', row.checksum_algorithm),
  };
}

type ContentHeader = (typeof CONTENT_HEADERS)[number];

function contentHeaders(
  textOf: (field: ContentHeader[0], column: ContentHeader[1]) => string | undefined,
): ObjectAttributes {
  return Object.assign({}, ...CONTENT_HEADERS.map(([field, column]) => given(field, textOf(field, column))));
}

function storageClass(
  choice: StorageClassChoice | undefined,
): Pick<ObjectAttributes, 'storageClass' | 'keepsClass'> {
  if (choice === undefined) return {};
  return choice === 'source' ? { keepsClass: true } : { storageClass: choice };
}

function encryptionOf(row: RowAttributes, job: JobAttributes): Encryption | undefined {
  const kind = row.encryption ?? job.encryption;
  if (kind === undefined) return undefined;
  if (kind === 'AES256') return { kind: 's3' };
  const isJobs = job.encryption === kind;
  const bucketKey = row.bucket_key ?? (isJobs ? job.bucketKey : undefined);
  return {
    kind: 'kms',
    ...given('key', row.kms_key ?? (isJobs ? job.kmsKey : undefined)),
    ...(bucketKey === undefined ? {} : { bucketKey: String(bucketKey) === 'true' }),
  };
}

/** Whether S3 takes the headers, metadata and tags together: for what becomes known of them after ingest. */
export function fitsInRequest(attributes: ObjectAttributes): boolean {
  return faultOfAttributes(attributes, false) === undefined;
}

/** @param namesKey whether a key or a bucket key is given: it needs encryption with KMS */
function faultOfAttributes(attributes: ObjectAttributes, namesKey: boolean): AttributeFault | undefined {
  const { metadata, tags, encryption } = attributes;
  if (namesKey && encryption?.kind !== 'kms')
    return fault(
      'KmsKeyInvalid',
      'a KMS key or a bucket key is given without the encryption aws:kms: add it',
    );
  const metadataBytes = bytesOf(metadata ?? []);
  if (metadataBytes > MAX_METADATA_BYTES)
    return fault(
      'MetadataTooLarge',
      `its metadata has ${metadataBytes} bytes of names and values; S3 takes ${MAX_METADATA_BYTES}: shorten it`,
    );
  if ((tags?.size ?? 0) > MAX_TAGS)
    return fault('TooManyTags', `it has ${tags?.size} tags, with those of its job; S3 takes ${MAX_TAGS}`);
  const headers = Object.entries(attributeHeaders(attributes));
  const contentBytes = bytesOf(headers.filter(([name]) => /^(content-|cache-)/.test(name)));
  if (contentBytes > MAX_CONTENT_HEADER_BYTES)
    return fault(
      'HeadersTooLarge',
      `its content headers have ${contentBytes} bytes of names and values; S3 takes ${MAX_CONTENT_HEADER_BYTES}: shorten them`,
    );
  const bytes = bytesOf(headers);
  if (bytes > MAX_ATTRIBUTE_BYTES)
    return fault(
      'AttributesTooLarge',
      `its headers, metadata and tags have ${bytes} bytes, tags percent-encoded; a request has room for ${MAX_ATTRIBUTE_BYTES}: shorten them`,
    );
  return undefined;
}

function fault(code: AttributeFault['code'], message: string): AttributeFault {
  return { code, message };
}

function bytesOf(entries: Iterable<readonly [string, string]>): number {
  let bytes = 0;
  for (const [name, value] of entries) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}

function inLowerCase(entries: Iterable<readonly [string, string]>): Map<string, string> {
  return new Map(Array.from(entries, ([name, value]) => [name.toLowerCase(), value]));
}
