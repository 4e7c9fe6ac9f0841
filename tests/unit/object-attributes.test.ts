// What is set on an object beside its bytes: the same as headers and as fields of the SDK's commands.
import { PutObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributeHeaders,
  attributeInput,
  mergeAttributes,
  type ObjectAttributes,
  replacesMetadata,
} from '../../shared/attributes/object-attributes.ts';
import { answeringS3 } from '../helpers/answering-s3.ts';

const ALL: ObjectAttributes = {
  contentType: 'text/html',
  cacheControl: 'max-age=60',
  contentDisposition: 'attachment; filename="a b"',
  contentEncoding: 'gzip',
  contentLanguage: 'de, en',
  expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
  websiteRedirect: '/there',
  metadata: new Map([
    ['owner', 'web'],
    ['__proto__', 'p'],
    ['constructor', 'c'],
  ]),
  tags: new Map([
    ['team', 'a&b=c d'],
    ['__proto__', 'ü'],
    ['empty', ''],
  ]),
  storageClass: 'GLACIER_IR',
  encryption: { kind: 'kms', key: 'alias/mine', bucketKey: true },
};

/** What the SDK sends for a command with these fields. */
async function sentBySdk(attributes: ObjectAttributes): Promise<Record<string, string>> {
  const { s3, sent } = answeringS3(() => ({ statusCode: 200, headers: { etag: '"e"' } }));
  await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x', ...attributeInput(attributes) }));
  return sent[0]!.headers;
}

describe('the attributes of an object', () => {
  it('are the same as headers and as fields of a command', async () => {
    const sent = await sentBySdk(ALL);
    const headers = attributeHeaders(ALL);
    expect(Object.keys(headers)).toHaveLength(15);
    expect(sent).toMatchObject(headers);
    expect(headers['x-amz-tagging']).toBe('team=a%26b%3Dc%20d&__proto__=%C3%BC&empty=');
    expect(Object.hasOwn(headers, 'x-amz-meta-__proto__')).toBe(true);
  });

  it('say nothing where none is given', () => {
    expect(attributeHeaders({})).toEqual({});
    expect(attributeHeaders({ metadata: new Map(), tags: new Map() })).toEqual({});
    expect(attributeInput({ metadata: new Map(), tags: new Map() })).toEqual({});
  });

  it.each<[ObjectAttributes['encryption'], Record<string, string>]>([
    [{ kind: 's3' }, { 'x-amz-server-side-encryption': 'AES256' }],
    [{ kind: 'kms' }, { 'x-amz-server-side-encryption': 'aws:kms' }],
    [
      { kind: 'kms', bucketKey: false },
      {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-bucket-key-enabled': 'false',
      },
    ],
  ])('name the encryption %j', (encryption, headers) => {
    expect(attributeHeaders({ encryption: encryption! })).toEqual(headers);
  });

  it('keep an Expires that is no date, in headers', () => {
    expect(attributeHeaders({ expires: '0x' })).toEqual({ expires: '0x' });
    expect(attributeInput({ expires: '0x' })).toEqual({});
  });

  it.each<[ObjectAttributes, boolean]>([
    [{}, false],
    [{ tags: new Map([['a', 'b']]), storageClass: 'GLACIER', encryption: { kind: 's3' } }, false],
    [{ checksumAlgorithm: 'SHA256', metadata: new Map() }, false],
    [{ contentType: 'a/b' }, true],
    [{ cacheControl: 'no-store' }, true],
    [{ metadata: new Map([['a', 'b']]) }, true],
  ])('replace the metadata of a copied source only where they name some: %j', (attributes, replaces) => {
    expect(replacesMetadata(attributes)).toBe(replaces);
  });
});

describe('attributes over others', () => {
  it('count as a whole, but metadata and tags by name', () => {
    const under: ObjectAttributes = {
      contentType: 'a/a',
      cacheControl: 'x',
      encryption: { kind: 'kms', key: 'k', bucketKey: true },
      metadata: new Map([
        ['a', '1'],
        ['b', '1'],
      ]),
      tags: new Map([['t', '1']]),
    };
    const over: ObjectAttributes = {
      contentType: 'b/b',
      encryption: { kind: 'kms', key: 'l' },
      metadata: new Map([['b', '2']]),
    };
    expect(mergeAttributes(under, over)).toEqual({
      contentType: 'b/b',
      cacheControl: 'x',
      encryption: { kind: 'kms', key: 'l' },
      metadata: new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
      tags: new Map([['t', '1']]),
    });
  });

  it('change nothing where they are none', () => {
    expect(mergeAttributes(ALL, {})).toEqual(ALL);
    expect(mergeAttributes({}, ALL)).toEqual(ALL);
  });

  it('carry any name as its own', () => {
    const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' });
    const names = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toString'));
    fc.assert(
      fc.property(fc.array(fc.tuple(names, text)), fc.array(fc.tuple(names, text)), (left, right) => {
        const merged = mergeAttributes({ metadata: new Map(left) }, { metadata: new Map(right) });
        const headers = attributeHeaders(merged);
        expect(new Map(Object.entries(headers).map(([name, value]) => [name.slice(11), value]))).toEqual(
          new Map([...left, ...right]),
        );
        expect(Object.getPrototypeOf(attributeInput(merged).Metadata ?? {})).toBe(Object.prototype);
      }),
    );
  });
});
