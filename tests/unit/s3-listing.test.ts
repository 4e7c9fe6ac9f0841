// Listings of the embedded S3: what is asked for by query, and the XML that answers it.
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { listObjects, listObjectsV2 } from '../../local/aws/s3/list-objects.ts';
import type { ObjectDependencies } from '../../local/aws/s3/object-action.ts';
import { createObjectHeaders } from '../../local/aws/s3/object-headers.ts';
import { ObjectStore } from '../../local/aws/s3/object-store.ts';
import { parseS3Request } from '../../local/aws/s3/s3-requests.ts';
import { systemClock } from '../../shared/time/clock.ts';

const ACTIONS: Partial<Record<string, typeof listObjects>> = {
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
};

/** The XML that answers a listing of a bucket with these keys. */
async function list(keys: readonly string[], query: string): Promise<string> {
  const objects = new ObjectStore(systemClock);
  objects.addBucket('b');
  const objectHeaders = createObjectHeaders();
  for (const key of keys) {
    const object = objects.putObject('b', key, Buffer.from('x'));
    const headers = key.startsWith('cold') ? { 'x-amz-storage-class': 'GLACIER' } : {};
    objectHeaders.wrote({ headers }, object, undefined);
  }
  const s3 = parseS3Request({ method: 'GET', url: `/b?${query}`, headers: {} });
  const action = ACTIONS[s3?.operation ?? ''];
  if (s3 === undefined || action === undefined) throw new Error('no listing');
  const dependencies = { objects, objectHeaders } as unknown as ObjectDependencies;
  const request = { resume: () => undefined } as unknown as IncomingMessage;
  const { content } = await action(dependencies, { s3, request, assertConditions: () => undefined });
  return String(content);
}

const texts = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text);

it.each(['list-type=2', 'marker='])('writes every key as XML that strict readers take: %s', async (query) => {
  const xml = await list(
    ['\u0001', 'a\rb', 'a\nb', 'a b+c%20&é(1)!~.txt', '\uffff'],
    `${query}&encoding-type=url`,
  );
  expect(texts(xml, 'EncodingType')).toEqual(['url']);
  expect(texts(xml, 'Key')).toEqual([
    '%01',
    'a%0Ab',
    'a%0Db',
    'a+b%2Bc%2520%26%C3%A9%281%29%21%7E.txt',
    '%EF%BF%BF',
  ]);
});

it('writes characters without a place in XML as references where no encoding is asked for', async () => {
  const xml = await list(['\u0001', 'a\rb', '<&>'], 'list-type=2');
  expect(texts(xml, 'Key')).toEqual(['&#1;', '&lt;&amp;&gt;', 'a&#13;b']);
  expect(texts(xml, 'EncodingType')).toEqual([]);
});

it('encodes prefixes, delimiter and markers too', async () => {
  const query = 'prefix=p%20/&delimiter=%20&marker=p%20/%01&max-keys=1&encoding-type=url';
  const xml = await list(['p /a b', 'p /a c', 'p /d e'], query);
  expect(texts(xml, 'Prefix')).toEqual(['p+/', 'p+/a+']);
  expect(texts(xml, 'Marker')).toEqual(['p+/%01']);
  expect(texts(xml, 'NextMarker')).toEqual(['p+/a+']);
  expect(texts(xml, 'Delimiter')).toEqual(['+']);
});

it('takes its own continuation token for the next page', async () => {
  const first = await list(['a', 'b', 'c'], 'list-type=2&max-keys=2');
  expect([texts(first, 'Key'), texts(first, 'IsTruncated')]).toEqual([['a', 'b'], ['true']]);
  const [token = ''] = texts(first, 'NextContinuationToken');
  const next = await list(
    ['a', 'b', 'c'],
    `list-type=2&max-keys=2&continuation-token=${encodeURIComponent(token)}`,
  );
  expect([texts(next, 'Key'), texts(next, 'IsTruncated')]).toEqual([['c'], ['false']]);
});

it('ends with a page of no keys', async () => {
  const xml = await list(['a'], 'list-type=2&max-keys=0');
  expect([texts(xml, 'KeyCount'), texts(xml, 'IsTruncated')]).toEqual([['0'], ['false']]);
});

it('lists no more than 1,000 keys, and says so', async () => {
  expect(texts(await list([], 'list-type=2&max-keys=5000'), 'MaxKeys')).toEqual(['1000']);
});

it('names the storage class of each object', async () => {
  expect(texts(await list(['cold', 'warm'], 'list-type=2'), 'StorageClass')).toEqual(['GLACIER', 'STANDARD']);
});

it.each([
  ['max-keys=-1', /max-keys not an integer/],
  ['max-keys=x', /max-keys not an integer/],
  ['max-keys=2147483648', /max-keys not an integer/],
  ['encoding-type=base64', /Invalid Encoding Method/],
  ['continuation-token=', /continuation token provided is incorrect/],
  ['continuation-token=zzzz', /continuation token provided is incorrect/],
  ['continuation-token=1zzz', /continuation token provided is incorrect/],
])('refuses %s as S3 does', async (query, message) => {
  await expect(list(['a'], `list-type=2&${query}`)).rejects.toMatchObject({
    code: 'InvalidArgument',
    statusCode: 400,
    message: expect.stringMatching(message) as string,
  });
});
