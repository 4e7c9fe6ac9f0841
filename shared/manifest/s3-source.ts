// What names an object in S3 in the column `source`: `s3://bucket/key`, or `s3://bucket/key?versionId=ID`.
import { isBucketName } from '../keys/bucket-name.ts';

const SCHEME = 's3://';
const MARK = '?versionId=';

/** Version ids as S3 makes them. One with other characters is named by source_version. */
const trailingVersion = /\?versionId=([\w.-]{0,1024})$/;

/** What `writeSource` may have put a mark behind. */
const marked = /\?versionId=[\w.-]{0,1024}\?versionId=$/;

/**
 * Raw but for the last `?versionId=`: what follows the bucket's slash is the key, byte for byte. An empty one names no version: it
 * only ends a key that itself ends as with a version.
 */
export function splitSource(source: string): { bucket: string; key: string; versionId?: string } | undefined {
  const slash = source.indexOf('/', SCHEME.length);
  if (!source.startsWith(SCHEME) || slash === -1) return undefined;
  const path = source.slice(slash + 1);
  // Hardly any key has a question mark, and to look for one takes a tenth of the time.
  const version = path.includes('?') ? trailingVersion.exec(path) : null;
  const key = version === null ? path : path.slice(0, version.index);
  if (key === '') return undefined;
  const bucket = source.slice(SCHEME.length, slash);
  return version?.[1] ? { bucket, key, versionId: version[1] } : { bucket, key };
}

/** Reads where rows that follow each other have their sources: mostly in the same bucket, which is then known at once. */
export function createPlaceReader() {
  /** `s3://bucket/` of the last source. */
  let place = '';
  /** @returns the length of `s3://bucket/` at this position of the text; 0 where there is no such place */
  return (text: string, start: number): number => {
    if (place !== '' && text.startsWith(place, start)) return place.length;
    if (!text.startsWith(SCHEME, start)) return 0;
    const bucket = start + SCHEME.length;
    const slash = text.indexOf('/', bucket);
    if (slash === -1 || !isBucketName(text.slice(bucket, slash))) return 0;
    place = text.slice(start, slash + 1);
    return place.length;
  };
}

/** The source that `splitSource` reads as exactly this key, without a version. */
export function writeSource(bucket: string, key: string): string {
  return endRaw(`s3://${bucket}/${key}`);
}

function endRaw(source: string): string {
  return source.startsWith(SCHEME) && trailingVersion.test(source) ? source + MARK : source;
}

/** The first version of the parser under which a source can name a version. In older jobs all of it is the key. */
const FIRST_WITH_VERSIONS = 4;

interface WithSource {
  source?: unknown;
}

/** Of a job: the version of the parser under which it began. */
export interface ParsedBy {
  parserVersion: number;
}

/** A row as it stands in a manifest, with its source as this parser has to read it. */
export function rowOfJob<Row extends WithSource>(job: ParsedBy, row: Row): Row {
  if (job.parserVersion >= FIRST_WITH_VERSIONS || typeof row.source !== 'string') return row;
  const source = endRaw(row.source);
  return source === row.source ? row : { ...row, source };
}

/** What a message says of its item: the parser by whose rules its source is to be read. Absent: that of its job. */
export interface SourceReading {
  parser?: number | undefined;
}

/** What the messages of a job have to say, once `rowOfJob` has read their rows. */
export function sourceReading({ parserVersion }: ParsedBy): SourceReading {
  return parserVersion >= FIRST_WITH_VERSIONS ? {} : { parser: FIRST_WITH_VERSIONS };
}

/** A message whose item's source is read as this parser has to read it. Reading it again changes nothing. */
export function messageOfJob<Message extends SourceReading & { item: WithSource }>(
  job: ParsedBy,
  message: Message,
): Message {
  if ((message.parser ?? job.parserVersion) >= FIRST_WITH_VERSIONS) return message;
  return { ...message, item: rowOfJob(job, message.item), ...sourceReading(job) };
}

/**
 * The same of a row of a report, which `rowOfJob` may have changed before. The report does not say so. So an old job's key that
 * itself ends in two `?versionId=`, the last one empty, is taken for a changed one.
 */
export function reportedRowOfJob<Item extends WithSource>(job: ParsedBy, item: Item): Item {
  return typeof item.source === 'string' && marked.test(item.source) ? item : rowOfJob(job, item);
}

/**
 * @param place as `splitSource` read it
 * @param version the row's source_version
 * @returns what is wrong with a source in S3, as a row's code and message
 */
export function faultOfSource(
  place: ReturnType<typeof splitSource>,
  version: string | undefined,
): { code: 'SourceInvalid' | 'VersionInvalid'; message: string } | undefined {
  if (place === undefined) {
    const message = 'source names a version and no key: write s3://bucket/key?versionId=ID';
    return { code: 'SourceInvalid', message };
  }
  const { versionId } = place;
  if (versionId === undefined || version === undefined || versionId === version) return undefined;
  return {
    code: 'VersionInvalid',
    message: `source names version ${versionId.slice(0, 100)}, and source_version another: give one of them, or the same`,
  };
}
