// ListObjects and ListObjectsV2: a page of a bucket's keys. fauxqs' own knows no encoding-type, and writes control characters as
// they are: one such key makes an AWS client refuse the whole page.
import { type ObjectAction, type ObjectAnswer, type ObjectDependencies, xmlAnswer } from './object-action.ts';
import type { Listing } from './object-store.ts';
import { escapeKey, formEncoded, NAMESPACE, s3Error } from './s3-answers.ts';
import type { S3Request } from './s3-requests.ts';

/** S3 API reference, "ListObjectsV2": of a page, whatever is asked for. */
const MAX_KEYS = 1_000;
/** The largest number that S3 takes for max-keys. */
const MAX_INTEGER = 2 ** 31 - 1;
/** Begins each continuation token, so that a text that is none is refused, as on S3. */
const TOKEN = '1';

type Encode = (text: string) => string;

interface Asked {
  encode: Encode;
  isEncoded: boolean;
  prefix: string;
  delimiter: string;
  maxKeys: number;
}

export const listObjects: ObjectAction = (dependencies, { s3, request }) => {
  request.resume();
  const marker = s3.query.get('marker') ?? '';
  const asked = askedOf(s3.query);
  const { page, last } = listed(dependencies, s3.bucket, asked, marker);
  const { encode } = asked;
  return answer(dependencies, s3, asked, page, [
    element('Marker', encode(marker)),
    ...(last === undefined ? [] : [element('NextMarker', encode(last))]),
  ]);
};

export const listObjectsV2: ObjectAction = (dependencies, { s3, request }) => {
  request.resume();
  const { query } = s3;
  const startAfter = query.get('start-after') ?? '';
  const token = query.get('continuation-token');
  const asked = askedOf(query);
  const { page, last } = listed(
    dependencies,
    s3.bucket,
    asked,
    token === null ? startAfter : keyOfToken(token),
  );
  return answer(dependencies, s3, asked, page, [
    element('KeyCount', String(page.objects.length + page.commonPrefixes.length)),
    ...(startAfter === '' ? [] : [element('StartAfter', asked.encode(startAfter))]),
    ...(token === null ? [] : [element('ContinuationToken', token)]),
    ...(last === undefined ? [] : [element('NextContinuationToken', tokenOf(last))]),
  ]);
};

/** @throws S3Error */
function askedOf(query: URLSearchParams): Asked {
  const encoding = query.get('encoding-type');
  if (encoding !== null && encoding !== 'url') {
    throw s3Error(400, 'InvalidArgument', 'Invalid Encoding Method specified in Request');
  }
  const maxKeys = query.get('max-keys') ?? String(MAX_KEYS);
  if (!/^\d{1,10}$/.test(maxKeys) || Number(maxKeys) > MAX_INTEGER) {
    throw s3Error(400, 'InvalidArgument', 'Provided max-keys not an integer or within integer range');
  }
  return {
    isEncoded: encoding !== null,
    encode: encoding === null ? (text) => text : formEncoded,
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: Math.min(MAX_KEYS, Number(maxKeys)),
  };
}

/** @returns `last`: where the next page starts, if there is one */
function listed(
  { objects }: ObjectDependencies,
  bucket: string,
  { prefix, delimiter, maxKeys }: Asked,
  startAfter: string,
): { page: Listing; last: string | undefined } {
  const found = objects.listObjects(bucket, { prefix, delimiter, maxKeys, startAfter });
  // A page of no keys could never be followed by another.
  const page = { ...found, isTruncated: found.isTruncated && maxKeys > 0 };
  return {
    page,
    last: page.isTruncated ? (page.objects.at(-1)?.key ?? page.commonPrefixes.at(-1)) : undefined,
  };
}

function answer(
  { objectHeaders }: ObjectDependencies,
  { bucket }: S3Request,
  { encode, isEncoded, prefix, delimiter, maxKeys }: Asked,
  { objects, commonPrefixes, isTruncated }: Listing,
  own: readonly string[],
): ObjectAnswer {
  const contents = objects.map(
    (object) =>
      `<Contents>${element('Key', encode(object.key))}<LastModified>${object.lastModified.toISOString()}</LastModified>` +
      `${element('ETag', object.etag)}<Size>${object.contentLength}</Size>` +
      `<StorageClass>${objectHeaders.classOf(object)}</StorageClass></Contents>`,
  );
  const prefixes = commonPrefixes.map(
    (each) => `<CommonPrefixes>${element('Prefix', encode(each))}</CommonPrefixes>`,
  );
  return xmlAnswer(
    [
      `<ListBucketResult ${NAMESPACE}>`,
      element('Name', bucket),
      element('Prefix', encode(prefix)),
      ...own,
      `<MaxKeys>${maxKeys}</MaxKeys><IsTruncated>${isTruncated}</IsTruncated>`,
      ...(delimiter === '' ? [] : [element('Delimiter', encode(delimiter))]),
      ...(isEncoded ? [element('EncodingType', 'url')] : []),
      ...contents,
      ...prefixes,
      '</ListBucketResult>',
    ].join(''),
  );
}

function element(name: string, text: string): string {
  return `<${name}>${escapeKey(text)}</${name}>`;
}

function tokenOf(key: string): string {
  return TOKEN + Buffer.from(key).toString('base64');
}

/** @throws S3Error */
function keyOfToken(token: string): string {
  const key = Buffer.from(token.slice(TOKEN.length), 'base64').toString();
  if (key !== '' && tokenOf(key) === token) return key;
  throw s3Error(400, 'InvalidArgument', 'The continuation token provided is incorrect');
}
