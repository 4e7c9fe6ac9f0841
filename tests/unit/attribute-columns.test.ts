// The columns of content headers, metadata, tags, class, encryption and checksum: what each takes, just under and just over.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRowAttributes, faultOfJobAttributes } from '../../shared/attributes/row-attributes.ts';
import { pairsOf } from '../../shared/attributes/text-pairs.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { parseJobOptions } from '../../shared/job/options.ts';
import { type ManifestItem, parseItem } from '../../shared/manifest/columns.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { messageBody } from '../../shared/queue/messages.ts';
import { rowsOf } from '../helpers/manifest-bytes.ts';

const KEY_ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const MANY = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, 'v']));

const readCsv = async (text: string) => {
  const bytes = Buffer.from(text);
  const opened = openManifest(bytes, { key: 'm.csv', sizeBytes: bytes.length });
  if (opened.kind === 'unreadable') throw new Error(opened.message);
  return await rowsOf(opened.head, bytes);
};
const parse = (columns: object) => parseItem({ key: 'k', text: 't', ...columns });
const codesOf = (columns: object): string[] => {
  const parsed = parse(columns);
  return parsed.kind === 'good' ? [] : parsed.faults.map(({ code }) => code);
};
/** The check of a row that is good by itself, beside its job. */
const withJob = (columns: object, job: Parameters<typeof createRowAttributes>[0] = {}) => {
  const parsed = parse(columns);
  if (parsed.kind === 'bad') return parsed.faults[0]?.code;
  return createRowAttributes(job).faultOf(parsed.item)?.code;
};

describe('a column of a row', () => {
  it.each<[string, unknown]>([
    ['cache_control', 'max-age=60, public'],
    ['cache_control', 'x'.repeat(1_024)],
    ['content_disposition', 'attachment; filename="a b.txt"'],
    ['content_encoding', 'gzip'],
    ['content_language', 'de, en'],
    ['metadata', {}],
    ['metadata', { owner: 'web', empty: '', 'x_y.z~!': '=?UTF-8?B?w7w=?=' }],
    ['tags', { 'cost center': 'ü + - = . _ : / @', Ärger: '' }],
    ['tags', { ['n'.repeat(128)]: 'v'.repeat(256) }],
    // Counted in characters, not in UTF-16.
    ['tags', { ['𝒜'.repeat(128)]: 'v' }],
    ['storage_class', 'GLACIER'],
    ['storage_class', 'DEEP_ARCHIVE'],
    ['encryption', 'AES256'],
    ['encryption', 'aws:kms'],
    ['kms_key', KEY_ID],
    ['kms_key', `mrk-${'a'.repeat(32)}`],
    ['kms_key', 'alias/team/exports'],
    ['kms_key', `arn:aws:kms:eu-west-1:123456789012:key/${KEY_ID}`],
    ['kms_key', 'arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/x'],
    ['bucket_key', true],
    ['bucket_key', 'false'],
    ['checksum_algorithm', 'CRC64NVME'],
    ['if_exists', 'skip'],
  ])('%s takes %j', (column, value) => {
    expect(parse({ [column]: value })).toMatchObject({ kind: 'good', item: { [column]: value } });
  });

  it.each<[string, unknown, string]>([
    ['content_encoding', 'gzip, aws-chunked', 'HeaderInvalid'],
    ['cache_control', '', 'HeaderInvalid'],
    ['cache_control', 'x'.repeat(1_025), 'HeaderInvalid'],
    ['cache_control', 'a\nb', 'HeaderInvalid'],
    ['content_disposition', 'attachment; filename="ü"', 'HeaderInvalid'],
    ['content_encoding', ' gzip', 'HeaderInvalid'],
    ['content_language', 'de ', 'HeaderInvalid'],
    ['content_language', 5, 'WrongType'],
    ['metadata', 'a=b', 'WrongType'],
    ['metadata', ['a'], 'WrongType'],
    ['metadata', { a: 1 }, 'WrongType'],
    ['metadata', { a: null }, 'WrongType'],
    ['metadata', { a: { b: 'c' } }, 'WrongType'],
    ['metadata', { '': 'x' }, 'MetadataInvalid'],
    ['metadata', { 'a b': 'x' }, 'MetadataInvalid'],
    ['metadata', { 'a:b': 'x' }, 'MetadataInvalid'],
    ['metadata', { ü: 'x' }, 'MetadataInvalid'],
    ['metadata', { a: 'ü' }, 'MetadataInvalid'],
    ['metadata', { a: 'x\r\ny: z' }, 'MetadataInvalid'],
    ['metadata', { a: 'x ' }, 'MetadataInvalid'],
    ['metadata', { Owner: 'x', owner: 'y' }, 'MetadataInvalid'],
    ['tags', { '': 'x' }, 'TagInvalid'],
    ['tags', { ['n'.repeat(129)]: 'v' }, 'TagInvalid'],
    ['tags', { n: 'v'.repeat(257) }, 'TagInvalid'],
    ['tags', { 'a*': 'v' }, 'TagInvalid'],
    ['tags', { a: 'x\ny' }, 'TagInvalid'],
    ['tags', { a: '\ud800' }, 'TagInvalid'],
    ['tags', { 'aws:x': 'v' }, 'TagInvalid'],
    ['storage_class', 'glacier', 'StorageClassInvalid'],
    ['storage_class', 'EXPRESS_ONEZONE', 'StorageClassInvalid'],
    ['storage_class', 'source', 'StorageClassInvalid'],
    ['encryption', 'aes256', 'EncryptionInvalid'],
    ['encryption', 'aws:kms:dsse', 'EncryptionInvalid'],
    ['kms_key', 'arn:aws:kms:eu-west-1:12:key/x', 'KmsKeyInvalid'],
    ['kms_key', 'alias/', 'KmsKeyInvalid'],
    ['kms_key', 'exports', 'KmsKeyInvalid'],
    ['bucket_key', 'yes', 'EncryptionInvalid'],
    ['checksum_algorithm', 'MD5', 'ChecksumAlgorithmInvalid'],
    ['checksum_algorithm', 'crc32', 'ChecksumAlgorithmInvalid'],
    ['if_exists', 'replace', 'IfExistsInvalid'],
    ['metadata.owner', 'web', 'UnknownColumn'],
  ])('%s refuses %j', (column, value, code) => {
    expect(codesOf({ [column]: value })).toEqual([code]);
  });

  it('says what to do', () => {
    const messageOf = (columns: object) => {
      const parsed = parse(columns);
      return parsed.kind === 'bad' ? parsed.faults.map(({ message }) => message).join('; ') : '';
    };
    expect(messageOf({ metadata: { city: 'Zürich' } })).toBe(
      'metadata "city" holds characters beyond ASCII, which no header carries: write them as RFC 2047 does, =?UTF-8?B?…?= with base64 for …',
    );
    expect(messageOf({ storage_class: 'COLD' })).toContain('"COLD" is none of STANDARD, STANDARD_IA');
    expect(messageOf({ 'metadata.a': 'b' })).toContain('"metadata.a" (did you mean metadata?)');
    expect(messageOf({ tags: { n: 7 } })).toContain('a value in tags is a number, not a string: quote it');
  });
});

describe('a row beside its job', () => {
  const metadataOf = (bytes: number) => ({ n: 'v'.repeat(bytes - 1) });

  it.each<[string, object, object, string | undefined]>([
    ['2 KiB of metadata', { metadata: metadataOf(2_048) }, {}, undefined],
    ['a byte more', { metadata: metadataOf(2_049) }, {}, 'MetadataTooLarge'],
    ['as much with that of its job', { metadata: metadataOf(2_045) }, { metadata: 'a=bc' }, undefined],
    ['a byte more with it', { metadata: metadataOf(2_046) }, { metadata: 'a=bc' }, 'MetadataTooLarge'],
    ['the same name in both, counted once', { metadata: metadataOf(2_048) }, { metadata: 'N=x' }, undefined],
    ['ten tags', { tags: MANY(10) }, {}, undefined],
    ['eleven tags', { tags: MANY(11) }, {}, 'TooManyTags'],
    ['eleven with those of its job', { tags: MANY(10) }, { tags: 'x=y' }, 'TooManyTags'],
    ['ten with those of its job', { tags: MANY(10) }, { tags: 'n0=y' }, undefined],
    [
      'content headers of 2 KiB',
      // Names of 13 and 19 characters.
      { cache_control: 'x'.repeat(1_024), content_disposition: 'x'.repeat(992) },
      {},
      undefined,
    ],
    [
      'a byte more of them',
      { cache_control: 'x'.repeat(1_024), content_disposition: 'x'.repeat(993) },
      {},
      'HeadersTooLarge',
    ],
    [
      'all of it in tags',
      { tags: { ['ü'.repeat(128)]: 'ü'.repeat(256), b: 'ü'.repeat(256) } },
      {},
      undefined,
    ],
    [
      'too much of it in tags',
      {
        tags: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'ü'.repeat(256)])),
      },
      {},
      'AttributesTooLarge',
    ],
    ['a key without encryption', { kms_key: KEY_ID }, {}, 'KmsKeyInvalid'],
    ['a key with another encryption', { kms_key: KEY_ID, encryption: 'AES256' }, {}, 'KmsKeyInvalid'],
    ['a bucket key without encryption', { bucket_key: true }, {}, 'KmsKeyInvalid'],
    ['a key under the encryption of its job', { kms_key: KEY_ID }, { encryption: 'aws:kms' }, undefined],
    [
      'another encryption than its job',
      { encryption: 'AES256' },
      { encryption: 'aws:kms', kmsKey: KEY_ID },
      undefined,
    ],
  ])('is checked with %s', (_, columns, job, code) => {
    expect(withJob(columns, job)).toBe(code);
  });

  it('fits into a message of SQS with the largest attributes and the largest text', () => {
    const item: ManifestItem = {
      key: '\u0001'.repeat(1_024),
      text: '\u0001'.repeat(64 * 1024),
      cache_control: '"'.repeat(1_024),
      content_disposition: '"'.repeat(992),
      metadata: { n: '"'.repeat(2_047) },
      tags: { n: 'ü'.repeat(200) },
      kms_key: `arn:aws:kms:eu-west-1:123456789012:alias/${'x'.repeat(250)}`,
      encryption: 'aws:kms',
    };
    expect(withJob(item)).toBeUndefined();
    const counts = { firstSentAtMs: 0, attempts: 0, throttled: 0, returned: 0, reposted: 0, line: 1 };
    const id = { v: 1, job: 'job-of-attributes' as JobId, slice: 0, block: 0, number: 0 } as const;
    expect(Buffer.byteLength(messageBody({ ...id, ...counts, item }))).toBeLessThan(1024 ** 2);
  });

  it('has its own values over those of the job, and metadata and tags of both', () => {
    const attributes = createRowAttributes({
      cacheControl: 'no-store',
      contentLanguage: 'de',
      metadata: 'Owner=web&origin=job',
      tags: 'team=a%26b',
      storageClass: 'source',
      encryption: 'aws:kms',
      kmsKey: KEY_ID,
      bucketKey: 'true',
      checksumAlgorithm: 'SHA1',
    });
    const row = {
      cache_control: 'max-age=1',
      metadata: { ORIGIN: 'row', __proto__x: 'y' },
      tags: { Team: 'c' },
      storage_class: 'GLACIER',
      kms_key: 'alias/own',
      checksum_algorithm: 'SHA256',
    } as const;
    expect(attributes.of(row)).toEqual({
      cacheControl: 'max-age=1',
      contentLanguage: 'de',
      metadata: new Map([
        ['owner', 'web'],
        ['origin', 'row'],
        ['__proto__x', 'y'],
      ]),
      tags: new Map([
        ['team', 'a&b'],
        ['Team', 'c'],
      ]),
      storageClass: 'GLACIER',
      encryption: { kind: 'kms', key: 'alias/own', bucketKey: true },
      checksumAlgorithm: 'SHA256',
    });
    expect(attributes.of({})).toMatchObject({ keepsClass: true, encryption: { kind: 'kms', key: KEY_ID } });
    expect(attributes.of({ encryption: 'AES256' }).encryption).toEqual({ kind: 's3' });
    expect(attributes.of({ bucket_key: false }).encryption).toEqual({
      kind: 'kms',
      key: KEY_ID,
      bucketKey: false,
    });
  });
});

describe('the options of a job', () => {
  const messageOf = (texts: Record<string, string>) => {
    const parsed = parseJobOptions(texts, ['b']);
    return parsed.kind === 'invalid' ? parsed.message : undefined;
  };

  it.each<[Record<string, string>, string]>([
    [{ 'cache-control': 'a\tb' }, 'cache-control is not 1 to 1024 printable ASCII characters'],
    [{ metadata: 'owner' }, 'metadata is not NAME=VALUE&NAME=VALUE'],
    [{ metadata: 'a=1&A=2' }, 'metadata has the name a twice'],
    [{ metadata: 'a=%C3%BC' }, 'metadata "a" holds characters beyond ASCII'],
    [{ tags: 'a=%E' }, 'tags holds a % that does not encode a byte'],
    [{ tags: 'a=ü' }, 'tags holds characters beyond ASCII: percent-encode them'],
    [{ 'storage-class': 'COLD' }, 'storage-class: takes STANDARD, STANDARD_IA'],
    [{ 'kms-key': 'x' }, 'kms-key "x" is no key of KMS'],
    [{ 'kms-key': 'alias/x' }, 'a KMS key or a bucket key is given without the encryption aws:kms'],
    [
      {
        tags: Object.keys(MANY(11))
          .map((name) => `${name}=v`)
          .join('&'),
      },
      'it has 11 tags',
    ],
  ])('%j are refused', (texts, message) => {
    expect(messageOf(texts)).toContain(message);
  });

  it('are taken', () => {
    expect(
      messageOf({ tags: 'a=%C3%BC&b=+', 'kms-key': 'alias/x', encryption: 'aws:kms', metadata: 'a=' }),
    ).toBeUndefined();
    expect(pairsOf('a=%C3%BC&b=+')).toEqual(
      new Map([
        ['a', 'ü'],
        ['b', '+'],
      ]),
    );
    expect(faultOfJobAttributes({})).toBeUndefined();
  });
});

describe('metadata and tags', () => {
  const name = fc.oneof(
    fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9a-z]{1,20}$/),
    fc.constantFrom('__proto__', 'constructor', 'tostring', 'hasownproperty'),
  );
  const value = fc.stringMatching(/^[\x20-\x7e]{0,30}$/).map((text) => text.trim());

  it('keep every name and value on their way, and change no prototype', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([each]) => each }), (pairs) => {
        const metadata = Object.fromEntries(pairs);
        const line = JSON.stringify({ key: 'k', text: 't', metadata });
        const parsed = parseItem(JSON.parse(line));
        if (parsed.kind === 'bad') throw new Error(parsed.faults[0]?.message);
        // As in a message: written and read again.
        const sent = JSON.parse(JSON.stringify(parsed.item)) as ManifestItem;
        const text = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
        const given = new Map(pairs);
        expect(createRowAttributes({}).of(sent).metadata).toEqual(given);
        if (pairs.length > 0) expect(createRowAttributes({ metadata: text }).of({}).metadata).toEqual(given);
        expect({}).not.toHaveProperty('polluted');
      }),
    );
  });

  it('have no own member of a row by the name of a prototype', () => {
    const parsed = parseItem(JSON.parse('{"key":"k","text":"t","__proto__":{"source":"x"}}'));
    expect(parsed).toMatchObject({ kind: 'bad', faults: [{ code: 'UnknownColumn' }] });
  });
});

describe('CSV', () => {
  const HEADER = 'key,text,metadata.owner,metadata.__proto__,tag.Team,tag.constructor,bucket_key';

  it('has a column for each name', async () => {
    const rows = await readCsv(`${HEADER}\na,b,web,p,x,c,true\nc,d,,,,,\n`);
    expect(rows).toMatchObject([
      { kind: 'good', item: { bucket_key: 'true', tags: { Team: 'x', constructor: 'c' } } },
      { kind: 'good', item: { key: 'c', text: 'd' } },
    ]);
    const [first, second] = rows.map((row) => (row.kind === 'good' ? row.item : undefined));
    expect(Object.entries(first?.metadata ?? {})).toEqual([
      ['owner', 'web'],
      ['__proto__', 'p'],
    ]);
    expect(Object.keys(second ?? {})).toEqual(['key', 'text']);
  });

  it('knows a repeated header, long names included', async () => {
    const long = `key,text,metadata.${'n'.repeat(60)}`;
    const rows = await readCsv(`${long}\na,b,c\n${long}\n`);
    expect(rows).toMatchObject([{ kind: 'good' }, { kind: 'bad', code: 'HeaderRepeated' }]);
  });

  it('shows the names of a bad row, so that it can be corrected', async () => {
    const [row] = await readCsv('key,text,metadata.a,tag.b,storage_class\nk,t,1,2,COLD\n');
    expect(row).toMatchObject({
      kind: 'bad',
      code: 'StorageClassInvalid',
      columns: { key: 'k', metadata: { a: '1' }, tags: { b: '2' }, storage_class: 'COLD' },
    });
  });

  it.each<[string, string, string]>([
    [
      'key,text,metadata',
      'ColumnNameInvalid',
      'column metadata holds several names: give each its own column, metadata.NAME',
    ],
    ['key,text,tags', 'ColumnNameInvalid', 'tag.NAME'],
    ['key,text,metadata.', 'ColumnNameInvalid', 'has the name ""'],
    ['key,text,metadata.a b', 'ColumnNameInvalid', 'has the name "a b"'],
    ['key,text,tag.aws:x', 'ColumnNameInvalid', "AWS's own"],
    ['key,text,metadata.Owner,metadata.owner', 'DuplicateColumn', 'column metadata.owner is there twice'],
    ['key,text,tag.a,tag.a', 'DuplicateColumn', 'column tag.a is there twice'],
  ])('refuses the header %s', (header, code, message) => {
    const bytes = Buffer.from(`${header}\n`);
    expect(openManifest(bytes, { key: 'm.csv', sizeBytes: bytes.length })).toMatchObject({
      kind: 'unreadable',
      code,
      message: expect.stringContaining(message),
    });
  });

  it('takes tags that differ in their case', () => {
    const bytes = Buffer.from('key,text,tag.A,tag.a\n');
    expect(openManifest(bytes, { key: 'm.csv', sizeBytes: bytes.length }).kind).toBe('readable');
  });
});
