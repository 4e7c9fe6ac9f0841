// GetObject and HeadObject: whole, by range and by part number, streamed from where the bytes lie.
import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../fauxqs-parts.ts';
import { tagsIn } from './attribute-refusals.ts';
import { checksumHeader } from './checksums.ts';
import type { ObjectAction, ObjectAnswer, ObjectCall, ObjectDependencies } from './object-action.ts';
import { holdBody, type ObjectBody, sliceBody } from './object-body.ts';
import { readCondition } from './read-conditions.ts';
import { asStored, type StoredObject } from './stored-object.ts';
import { keyWithVersion } from './versions.ts';

interface Extent {
  start: number;
  end: number;
  isPartial: boolean;
}

export const getObject: ObjectAction = (dependencies, call) => {
  const { answer, view } = read(dependencies, call);
  return view === undefined ? answer : { ...answer, content: holdBody(view) };
};

export const headObject: ObjectAction = (dependencies, call) => read(dependencies, call).answer;

/** @throws S3Error */
function read(
  { objects }: ObjectDependencies,
  { s3: { bucket, key, query }, request }: ObjectCall,
): { answer: ObjectAnswer; view?: ObjectBody } {
  const versionId = query.get('versionId');
  const name = versionId === null ? key : keyWithVersion(key, versionId);
  const object = asStored(objects.getObject(bucket, name));
  const touched = objects.takeTouched();
  const more = touched === undefined ? {} : { touched };
  const condition = readCondition(request.headers, object);
  const { etag } = object;
  const lastModified = object.lastModified.toUTCString();
  if (condition === 'not-modified') {
    return { answer: { ...more, status: 304, headers: { etag, 'last-modified': lastModified } } };
  }
  if (condition === 'failed') {
    throw new S3Error(
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
      412,
    );
  }
  const { start, end, isPartial } = extentOf(object, request.headers.range, query.get('partNumber'));
  const headers = {
    ...propertyHeaders(object, query),
    'accept-ranges': 'bytes',
    'content-length': end - start,
    etag,
    'last-modified': lastModified,
    ...(isPartial ? { 'content-range': `bytes ${start}-${end - 1}/${object.contentLength}` } : {}),
    ...(query.has('partNumber') && object.parts !== undefined
      ? { 'x-amz-mp-parts-count': object.parts.length }
      : {}),
    ...(isPartial ? {} : checksumHeaders(object, request.headers)),
  };
  return {
    answer: { ...more, status: isPartial ? 206 : 200, headers },
    view: sliceBody(object.content, start, end),
  };
}

/** S3 lets a GET replace these (API reference, GetObject). */
const REPLACED = [
  'content-type',
  'content-language',
  'content-disposition',
  'cache-control',
  'content-encoding',
] as const;

function propertyHeaders(object: StoredObject, query: URLSearchParams): Record<string, string> {
  const headers: [string, string | undefined][] = [
    ['content-type', object.contentType],
    ['content-language', object.contentLanguage],
    ['content-disposition', object.contentDisposition],
    ['cache-control', object.cacheControl],
    ['content-encoding', object.contentEncoding],
    ['x-amz-tagging-count', tagCount(object)],
    ...Object.entries(object.metadata).map(([name, value]): [string, string] => [
      `x-amz-meta-${name}`,
      value,
    ]),
    ...REPLACED.map((name): [string, string | undefined] => [name, replacement(query, name)]),
  ];
  return Object.fromEntries(headers.filter((each): each is [string, string] => each[1] !== undefined));
}

/** Only of an object that has tags. */
function tagCount({ tagging = '' }: StoredObject): string | undefined {
  return tagging === '' ? undefined : String(tagsIn(tagging).length);
}

/** What can't stand in a header is left out. */
function replacement(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(`response-${name}`) ?? '';
  return value === '' || /[^\t -~\u0080-\u00ff]/.test(value) ? undefined : value;
}

function checksumHeaders(
  { checksumAlgorithm, checksumValue, checksumType }: StoredObject,
  headers: IncomingHttpHeaders,
): Record<string, string> {
  const isAsked = String(headers['x-amz-checksum-mode'] ?? '').toUpperCase() === 'ENABLED';
  if (!isAsked || checksumAlgorithm === undefined || checksumValue === undefined) return {};
  return {
    [checksumHeader(checksumAlgorithm)]: checksumValue,
    ...(checksumType === undefined ? {} : { 'x-amz-checksum-type': checksumType }),
  };
}

/** @throws S3Error where the object has no such part or range */
function extentOf(
  { contentLength, parts }: StoredObject,
  range: string | undefined,
  partNumber: string | null,
): Extent {
  if (partNumber !== null) {
    const part = (parts ?? [{ partNumber: 1, offset: 0, length: contentLength }]).find(
      (each) => String(each.partNumber) === partNumber,
    );
    if (part === undefined) {
      throw new S3Error('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416);
    }
    return { start: part.offset, end: part.offset + part.length, isPartial: part.length > 0 };
  }
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  const whole = { start: 0, end: contentLength, isPartial: false };
  // S3 ignores a range that it does not understand, and one with several parts (API reference, GetObject).
  if (first === '' && last === '') return whole;
  const start = first === '' ? Math.max(0, contentLength - Number(last)) : Number(first);
  const end = first === '' || last === '' ? contentLength : Math.min(Number(last) + 1, contentLength);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole;
  if (start < end) return { start, end, isPartial: true };
  throw new S3Error('InvalidRange', 'The requested range is not satisfiable', 416);
}
