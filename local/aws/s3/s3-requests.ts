// What an S3 request asks for, read from its method, path and query: bucket, key and operation.

export interface S3Request {
  bucket: string;
  /** Decoded; the empty string for a request to the bucket itself. */
  key: string;
  operation: string;
  query: URLSearchParams;
  /** What a copy reads; undefined of other requests, and where its header names no object. */
  copySource: ObjectPlace | undefined;
  /** Which of the limits it counts against; requests to the bucket itself count against none. */
  requestClass: 'write' | 'read' | 'none';
}

export interface ObjectPlace {
  bucket: string;
  key: string;
  versionId: string | undefined;
}

interface RequestHead {
  method: string;
  /** Path and query as sent; the bucket is its first segment. */
  url: string;
  headers: NodeJS.Dict<string | string[]>;
}

/** Undefined for a path that can't be decoded. */
export function parseS3Request({ method, url, headers }: RequestHead): S3Request | undefined {
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt + 1));
  const slashAt = path.indexOf('/', 1);
  const bucket = decode(slashAt < 0 ? path.slice(1) : path.slice(1, slashAt));
  const key = slashAt < 0 ? '' : decode(path.slice(slashAt + 1));
  if (bucket === undefined || key === undefined) return undefined;
  const source = headers['x-amz-copy-source'];
  const isCopy = source !== undefined;
  const operation =
    key === '' ? bucketOperation(method, bucket, query) : objectOperation(method, query, isCopy);
  return {
    ...{ bucket, key, operation, query },
    copySource: isCopy ? parseCopySource(String(source)) : undefined,
    requestClass: key === '' ? 'none' : classOf(method),
  };
}

/** The object that the request names, or a version of it. */
export function placeOf({ bucket, key, query }: Pick<S3Request, 'bucket' | 'key' | 'query'>): ObjectPlace {
  return { bucket, key, versionId: query.get('versionId') ?? undefined };
}

/**
 * A `?` that stands bare begins the version: one that is part of the key is sent as `%3F`. AWS's own clients differ in whether
 * they encode the slash between bucket and key.
 */
function parseCopySource(header: string): ObjectPlace | undefined {
  const at = header.indexOf(VERSION);
  const path = decode(at < 0 ? header : header.slice(0, at)) ?? '';
  const versionId = at < 0 ? undefined : decode(header.slice(at + VERSION.length));
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(path) ?? [];
  const isUnreadable = at >= 0 && versionId === undefined;
  return bucket === undefined || key === undefined || isUnreadable ? undefined : { bucket, key, versionId };
}

const VERSION = '?versionId=';

function classOf(method: string): 'write' | 'read' {
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}

function objectOperation(method: string, query: URLSearchParams, isCopy: boolean): string {
  const part = OBJECT_PARTS.find((parameter) => query.has(parameter));
  if (part !== undefined) return `${CONFIGURATION_VERBS[method] ?? 'Put'}${OBJECT_PART}${part}`;
  switch (method) {
    case 'PUT':
      if (query.has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart';
      return isCopy ? 'CopyObject' : 'PutObject';
    case 'GET':
      if (query.has('attributes')) return 'GetObjectAttributes';
      if (query.has('uploadId')) return 'ListParts';
      return 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      return query.has('uploadId') ? 'CompleteMultipartUpload' : 'PostObject';
    default:
      return method;
  }
}

/** Parts of an object beside its bytes, by their query parameter. A request for one is not about the object itself. */
const OBJECT_PARTS = [
  'tagging',
  'acl',
  'retention',
  'legal-hold',
  'torrent',
  'restore',
  'select',
  'annotation',
  'encryption',
  'renameObject',
];
const OBJECT_PART = 'Object-';

/** Parts of a bucket beside its objects, by their query parameter. */
const BUCKET_CONFIGURATIONS = {
  versioning: 'BucketVersioning',
  location: 'BucketLocation',
  notification: 'BucketNotificationConfiguration',
  policy: 'BucketPolicy',
  encryption: 'BucketEncryption',
  tagging: 'BucketTagging',
  acl: 'BucketAcl',
  cors: 'BucketCors',
  website: 'BucketWebsite',
  logging: 'BucketLogging',
  replication: 'BucketReplication',
  publicAccessBlock: 'PublicAccessBlock',
  ownershipControls: 'BucketOwnershipControls',
  'object-lock': 'ObjectLockConfiguration',
  requestPayment: 'BucketRequestPayment',
  accelerate: 'BucketAccelerateConfiguration',
  abac: 'BucketAbac',
  analytics: 'BucketAnalyticsConfiguration',
  'intelligent-tiering': 'BucketIntelligentTieringConfiguration',
  inventory: 'BucketInventoryConfiguration',
  metadataConfiguration: 'BucketMetadataConfiguration',
  metadataTable: 'BucketMetadataTableConfiguration',
  metadataAnnotationTable: 'BucketMetadataAnnotationTableConfiguration',
  metadataInventoryTable: 'BucketMetadataInventoryTableConfiguration',
  metadataJournalTable: 'BucketMetadataJournalTableConfiguration',
  metrics: 'BucketMetricsConfiguration',
  policyStatus: 'BucketPolicyStatus',
  session: 'Session',
  versions: 'ObjectVersions',
  uploads: 'MultipartUploads',
} as const;

const CONFIGURATION_VERBS: Record<string, string> = { GET: 'Get', DELETE: 'Delete' };

/** Whether the operation is about a bucket's configuration and not its objects. */
export function isConfiguration(operation: string): boolean {
  return CONFIGURATION_OPERATIONS.has(operation);
}

const CONFIGURATION_OPERATIONS: ReadonlySet<string> = new Set(
  Object.values(BUCKET_CONFIGURATIONS).flatMap((name) => ['Get', 'Put', 'Delete'].map((verb) => verb + name)),
);

function bucketOperation(method: string, bucket: string, query: URLSearchParams): string {
  if (bucket === '') return 'ListBuckets';
  const configuration = Object.entries(BUCKET_CONFIGURATIONS).find(([parameter]) => query.has(parameter));
  if (configuration !== undefined) return `${CONFIGURATION_VERBS[method] ?? 'Put'}${configuration[1]}`;
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : 'PostObject';
  if (method === 'GET') return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
  return BUCKET_OPERATIONS.get(method) ?? method;
}

/** On the bucket itself, by method. */
const BUCKET_OPERATIONS: ReadonlyMap<string, string> = new Map([
  ['PUT', 'CreateBucket'],
  ['HEAD', 'HeadBucket'],
  ['DELETE', 'DeleteBucket'],
]);

/** Undefined where it can't be decoded. */
export function decode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
