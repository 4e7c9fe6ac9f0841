// GetObject and HeadObject: whole, by range and by part number, streamed from where the bytes lie.
import type { IncomingHttpHeaders } from 'node:http';
import { tagsIn } from './attribute-refusals.ts';
import { checksumHeaders } from './checksums.ts';
import type { ObjectAction, ObjectAnswer, ObjectCall, ObjectDependencies } from './object-action.ts';
import { holdBody, type ObjectBody, sliceBody } from './object-body.ts';
import { readCondition } from './read-conditions.ts';
import { s3Error } from './s3-answers.ts';
import { placeOf } from './s3-requests.ts';
import { checksumOf, type StoredObject } from './stored-object.ts';

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
  { s3, request }: ObjectCall,
): { answer: ObjectAnswer; view?: ObjectBody } {
  const { query } = s3;
  const object = objects.read(placeOf(s3));
  const touched = objects.takeTouched();
  const condition = readCondition(request.headers, object);
  const { etag } = object;
  const lastModified = object.lastModified.toUTCString();
  if (condition === 'not-modified') {
    return { answer: { touched, status: 304, headers: { etag, 'last-modified': lastModified } } };
  }
  if (condition === 'failed') throw s3Error(412, 'PreconditionFailed');
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
    ...(isPartial ? {} : askedChecksumHeaders(object, request.headers)),
  };
  return {
    answer: { touched, status: isPartial ? 206 : 200, headers },
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

function askedChecksumHeaders(object: StoredObject, headers: IncomingHttpHeaders): Record<string, string> {
  const isAsked = String(headers['x-amz-checksum-mode'] ?? '').toUpperCase() === 'ENABLED';
  const checksum = isAsked ? checksumOf(object) : undefined;
  return checksum === undefined ? {} : { ...checksumHeaders(checksum), 'x-amz-checksum-type': checksum.type };
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
    if (part === undefined) throw s3Error(416, 'InvalidPartNumber');
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
  throw s3Error(416, 'InvalidRange');
}
