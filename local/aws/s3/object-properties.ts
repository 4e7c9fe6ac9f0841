// What a request's headers say of the object: its content type and metadata, kept as they were sent.
import { s3Error } from './s3-answers.ts';
import type { ObjectProperties } from './stored-object.ts';

type Headers = NodeJS.Dict<string | string[]>;

/** S3 stores it for an object that came without a type (API reference, PutObject). */
export const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';
const METADATA_PREFIX = 'x-amz-meta-';
/** S3 user guide, "Working with object metadata": 2 KB of names and values. */
const MAX_METADATA_BYTES = 2_048;
const AWS_CHUNKED = 'aws-chunked';

/** @throws S3Error */
export function propertiesFrom(headers: Headers): ObjectProperties {
  return {
    contentType: text(headers, 'content-type') ?? DEFAULT_CONTENT_TYPE,
    metadata: metadataFrom(headers),
    contentLanguage: text(headers, 'content-language'),
    contentDisposition: text(headers, 'content-disposition'),
    cacheControl: text(headers, 'cache-control'),
    contentEncoding: storedEncoding(text(headers, 'content-encoding')),
    tagging: text(headers, 'x-amz-tagging'),
  };
}

/** Whether the body comes in the aws-chunked encoding. */
export function isAwsChunked(headers: Headers): boolean {
  return (
    String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-') ||
    encodings(text(headers, 'content-encoding')).includes(AWS_CHUNKED)
  );
}

function metadataFrom(headers: Headers): Record<string, string> {
  const entries: [string, string][] = [];
  let sizeBytes = 0;
  for (const name in headers) {
    if (!name.startsWith(METADATA_PREFIX)) continue;
    const value = String(headers[name]);
    entries.push([name.slice(METADATA_PREFIX.length), value]);
    sizeBytes += name.length - METADATA_PREFIX.length + value.length;
  }
  if (sizeBytes > MAX_METADATA_BYTES) throw s3Error(400, 'MetadataTooLarge');
  // Entries, not assignments: `__proto__` is a name like any other.
  return Object.fromEntries(entries);
}

/** aws-chunked is how the body travels; S3 does not store it. */
function storedEncoding(header: string | undefined): string | undefined {
  const kept = encodings(header).filter((encoding) => encoding !== AWS_CHUNKED);
  return kept.length === 0 ? undefined : kept.join(',');
}

function encodings(header: string | undefined): string[] {
  if (header === undefined) return [];
  return header.includes(AWS_CHUNKED)
    ? header
        .split(',')
        .map((encoding) => encoding.trim())
        .filter((encoding) => encoding !== '')
    : [header];
}

function text(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
