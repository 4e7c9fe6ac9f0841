// What is set on an object beside its bytes: by PutObject, CreateMultipartUpload and a CopyObject that replaces metadata.
//
//   attributeHeaders   as headers of a request that is signed here
//   attributeInput     as fields of an SDK command
//   mergeAttributes    one set over another: a row's over its job's, both over the metadata of a copied source
//
// The checksum's algorithm is in neither: each request asks for it in another way.

/** Those that a bucket of general purpose takes. (API reference, PutObject) */
export const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
  'REDUCED_REDUNDANCY',
] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** Without it, the bucket's default counts. */
export type Encryption =
  | { kind: 's3' }
  /** Without a key: the account's own key for S3, aws/s3. Without a choice of bucket key: the bucket's. */
  | { kind: 'kms'; key?: string; bucketKey?: boolean };

export interface ObjectAttributes {
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  /** Only of a copied source. S3 keeps any text here, even one that is no date. */
  expires?: string;
  /** Only of a copied source. */
  websiteRedirect?: string;
  /** By name in lower case, without `x-amz-meta-`. A map, so that no name has a meaning of its own. */
  metadata?: ReadonlyMap<string, string>;
  tags?: ReadonlyMap<string, string>;
  storageClass?: StorageClass;
  /** Only of a copy: its source's class, which has to be read first. Other objects have none to keep. */
  keepsClass?: true;
  encryption?: Encryption;
  /** The writer sees to it. Absent: CRC32, or the source's own on a copy. */
  checksumAlgorithm?: ChecksumAlgorithm;
}

/** What S3 replaces as a whole: a copy that sets one of these has to send the others too, or they are lost. */
const HEADERS_OF_METADATA = {
  contentType: 'content-type',
  cacheControl: 'cache-control',
  contentDisposition: 'content-disposition',
  contentEncoding: 'content-encoding',
  contentLanguage: 'content-language',
  expires: 'expires',
  websiteRedirect: 'x-amz-website-redirect-location',
} as const satisfies Partial<Record<keyof ObjectAttributes, string>>;
type MetadataField = keyof typeof HEADERS_OF_METADATA;
const METADATA_FIELDS = Object.keys(HEADERS_OF_METADATA) as MetadataField[];

/** Whether a copy with these needs to know its source first: S3 keeps a source's metadata only as a whole, and no class. */
export function readsSource(attributes: ObjectAttributes): boolean {
  return attributes.keepsClass === true || replacesMetadata(attributes);
}

/** Whether a copy with these has to replace its source's metadata. */
export function replacesMetadata(attributes: ObjectAttributes): boolean {
  return (
    (attributes.metadata?.size ?? 0) > 0 || METADATA_FIELDS.some((field) => attributes[field] !== undefined)
  );
}

/** @returns headers by their names in lower case */
export function attributeHeaders(attributes: ObjectAttributes): Record<string, string> {
  const { metadata, tags, storageClass, encryption } = attributes;
  const headers: Record<string, string> = {};
  for (const field of METADATA_FIELDS) {
    const value = attributes[field];
    if (value !== undefined) headers[HEADERS_OF_METADATA[field]] = value;
  }
  for (const [name, value] of metadata ?? []) headers[`x-amz-meta-${name}`] = value;
  if (tags !== undefined && tags.size > 0) headers['x-amz-tagging'] = tagText(tags);
  if (storageClass !== undefined) headers['x-amz-storage-class'] = storageClass;
  if (encryption !== undefined) {
    headers['x-amz-server-side-encryption'] = encryption.kind === 'kms' ? 'aws:kms' : 'AES256';
    if (encryption.kind === 'kms') {
      const { key, bucketKey } = encryption;
      if (key !== undefined) headers['x-amz-server-side-encryption-aws-kms-key-id'] = key;
      if (bucketKey !== undefined)
        headers['x-amz-server-side-encryption-bucket-key-enabled'] = String(bucketKey);
    }
  }
  return headers;
}

/**
 * The fields of PutObject, CreateMultipartUpload and CopyObject. An Expires that is no date fits no command: send
 * `attributeHeaders` where the attributes are a source's.
 */
export function attributeInput(attributes: ObjectAttributes) {
  const { metadata, tags, encryption } = attributes;
  const expiresMs = Date.parse(attributes.expires ?? '');
  return {
    ...given('ContentType', attributes.contentType),
    ...given('CacheControl', attributes.cacheControl),
    ...given('ContentDisposition', attributes.contentDisposition),
    ...given('ContentEncoding', attributes.contentEncoding),
    ...given('ContentLanguage', attributes.contentLanguage),
    ...(Number.isNaN(expiresMs) ? {} : { Expires: new Date(expiresMs) }),
    ...given('WebsiteRedirectLocation', attributes.websiteRedirect),
    // From entries a name such as __proto__ becomes a property of its own.
    ...(metadata === undefined || metadata.size === 0 ? {} : { Metadata: Object.fromEntries(metadata) }),
    ...(tags === undefined || tags.size === 0 ? {} : { Tagging: tagText(tags) }),
    ...given('StorageClass', attributes.storageClass),
    ...(encryption === undefined
      ? {}
      : { ServerSideEncryption: encryption.kind === 'kms' ? ('aws:kms' as const) : ('AES256' as const) }),
    ...(encryption?.kind === 'kms' ? given('SSEKMSKeyId', encryption.key) : {}),
    ...(encryption?.kind === 'kms' ? given('BucketKeyEnabled', encryption.bucketKey) : {}),
  };
}

/** What `over` sets counts; metadata and tags are merged by name, and everything else as a whole. */
export function mergeAttributes(under: ObjectAttributes, over: ObjectAttributes): ObjectAttributes {
  return {
    ...under,
    ...over,
    ...mergedMap('metadata', under.metadata, over.metadata),
    ...mergedMap('tags', under.tags, over.tags),
  };
}

function mergedMap<Name extends 'metadata' | 'tags'>(
  name: Name,
  under: ReadonlyMap<string, string> | undefined,
  over: ReadonlyMap<string, string> | undefined,
): { [N in Name]?: ReadonlyMap<string, string> } {
  if (under === undefined || over === undefined) return given(name, over ?? under);
  return given(name, new Map([...under, ...over]));
}

/** As the header and the SDK's field `Tagging` take it: a query string. */
function tagText(tags: ReadonlyMap<string, string>): string {
  return [...tags]
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}

/** A field of an object literal, where there is a value for it. */
export function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}
