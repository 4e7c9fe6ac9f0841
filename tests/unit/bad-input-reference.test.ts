// docs/bad-input.md is made from these samples: each provokes one fault of shared/manifest/faults.ts, and a fault without a sample
// fails the test. A new fault is a line here. After a change: npx vitest run tests/unit/bad-input-reference.test.ts -u
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tooLong } from '../../functions/ingest/convert-manifest.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { type Block, readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import { parseJobOptions } from '../../shared/job/options.ts';
import { ConversionFault } from '../../shared/manifest/conversions/conversion.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import {
  jobFaults,
  type ManifestFault,
  manifestFaults,
  type RowFault,
  rowFaults,
} from '../../shared/manifest/faults.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { readFooter } from '../../shared/manifest/parquet/footer.ts';
import { visibleText } from '../../shared/text/visible.ts';
import { csvFile, INVENTORY_FOLDER, INVENTORY_MANIFEST, inventoryOf } from '../helpers/inventories.ts';
import { convert } from '../helpers/listed-inputs.ts';
import { parquetOf } from '../helpers/parquet-files.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** A file by its name, its bytes (text is UTF-8), and the options of its job beside the destination. */
type Sample = readonly [name: string, content: string | Buffer, options?: Readonly<Record<string, string>>];

const TEMPLATE = { 'key-template': '{column:album}/{key}' };

/** What is converted before it is read: a sample in words, and how its fault comes about. */
type ConvertedSample = readonly [sample: string, faultOf: () => Promise<Fault>];

const of = (name: string, content: string | Uint8Array) => ofFiles({ [`inbox/${name}`]: content }, name);
const ofFiles = (files: Record<string, string | Uint8Array>, name: string) => async (): Promise<Fault> => {
  try {
    await convert({ files, manifest: `inbox/${name}` });
  } catch (error) {
    if (error instanceof ConversionFault) return error;
    throw error;
  }
  throw new Error(`${name} can be converted`);
};

const INVENTORY_OF_ONE = [[{ bucket: 'source-bucket', key: 'k', size: 1 }]];
const inventory = (change: Record<string, unknown> = {}) =>
  ofFiles(inventoryOf('CSV', 'inbox', INVENTORY_OF_ONE, change), INVENTORY_MANIFEST);
const listing = (name: string, size = 10) =>
  inventory({ files: [{ key: `${INVENTORY_FOLDER}data/${name}`, size, MD5checksum: '0'.repeat(32) }] });

/** The listed file has other bytes, and the list says so or not. */
const inventoryWith = (bytes: Uint8Array, md5: string) => {
  const key = `${INVENTORY_FOLDER}data/x.csv.gz`;
  const change = { files: [{ key, size: bytes.length, MD5checksum: md5 }] };
  return ofFiles(
    { ...inventoryOf('CSV', 'inbox', INVENTORY_OF_ONE, change), [`inbox/${key}`]: bytes },
    INVENTORY_MANIFEST,
  );
};
const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const ONE_ROW = csvFile(INVENTORY_OF_ONE[0] ?? []);
const OTHER_ROW = gzipSync('"other","columns"\n');

const CONVERTED = {
  CompressionBroken: [
    '`m.csv.gz` whose end is missing',
    of('m.csv.gz', gzipSync('key,text\na,1\n').subarray(0, -3)),
  ],
  CompressionUnsupported: [
    '`m.csv.zst` with a dictionary',
    of('m.csv.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0, 7, 1, 0, 0])),
  ],
  ExpandedTooLarge: [
    '`m.csv.gz` with ten million equal rows',
    of('m.csv.gz', gzipSync(`key,text\n${'a,b\n'.repeat(10_000_000)}`)),
  ],
  ConversionTooLong: ['`m.csv.gz` of very many rows', async () => tooLong('gzip')],
  JsonArrayBroken: ['`m.json` `[{"key":"a","text":"b"}`', of('m.json', '[{"key":"a","text":"b"}')],
  ColumnTypeUnfit: [
    '`m.parquet` with times as keys',
    of(
      'm.parquet',
      parquetOf([
        { name: 'key', data: [new Date(0)], type: 'TIMESTAMP' },
        { name: 'text', data: ['b'] },
      ]),
    ),
  ],
  ParquetDamaged: ['`m.parquet` of 4 bytes', of('m.parquet', 'PAR1')],
  ParquetTooLarge: ['`m.parquet` with a footer of 17 MiB', hugeFooter],
  ParquetUnsupported: ['`m.parquet` that is encrypted', of('m.parquet', encryptedParquet())],
  ListTooLarge: ['an inventory that lists a file of 9 GiB', listing('x', 9 * 1024 ** 3)],
  ListUnreadable: ['an inventory without a key in its schema', inventory({ fileSchema: 'Bucket, Size' })],
  ListedFileRefused: ['an inventory that lists a file above its folder', listing('../../x')],
  ListedFileGone: ['an inventory whose file is not there', listing('gone.csv.gz')],
  ListedFileChanged: ['an inventory whose file has another MD5', inventoryWith(ONE_ROW, '0'.repeat(32))],
  ListedFileBroken: ['an inventory whose file has other columns', inventoryWith(OTHER_ROW, md5Of(OTHER_ROW))],
  ItemUnfit: [
    'a result of a Distributed Map whose input is `{"Key":"k"}`',
    of('FAILED_0.json', JSON.stringify([{ ExecutionArn: 'a', Input: '{"Key":"k"}', Status: 'FAILED' }])),
  ],
} as const satisfies Partial<Record<ManifestFault, ConvertedSample>>;

function tarOf(name: string): Buffer {
  const header = Buffer.alloc(1024);
  header.write(name);
  header.write('ustar', 257);
  return header;
}

function encryptedParquet(): Buffer {
  const bytes = parquetOf([{ name: 'key', data: ['a'] }]);
  return Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('PAR1', 'PARE'), 'latin1');
}

async function hugeFooter(): Promise<Fault> {
  const tail = Buffer.from([0, 0, 0, 0, ...Buffer.from('PAR1')]);
  tail.writeUInt32LE(17 * 1024 ** 2, 0);
  const file = { sizeBytes: 1024 ** 3, read: async () => tail };
  const opened = await readFooter(file, () => true).catch((error: unknown) => error);
  if (opened instanceof ConversionFault) return opened;
  throw new Error('the footer was read');
}

const MANIFESTS: Readonly<Record<Exclude<ManifestFault, keyof typeof CONVERTED>, Sample>> = {
  Archive: ['m.tar', tarOf('list.csv')],
  Empty: ['m.csv', '\n \n'],
  Compressed: ['m.csv', Buffer.from('PK\x03\x04')],
  UnsupportedFormat: ['m.orc', Buffer.from('ORC')],
  Binary: ['m.csv', 'key,text\0\n'],
  NotUtf8: ['m.csv', Buffer.from('\ufeffkey,text\n', 'utf16le')],
  UnknownFormat: ['m', 'hello\n'],
  NotBatchRows: ['m.batch-csv', 'hello\n'],
  FormatMismatch: ['m.ndjson', 'key,text\na,b\n'],
  WrongSeparator: ['m.csv', 'key;text\na;b\n'],
  HeaderTooLong: ['m.csv', `key,text,spillway_${'x'.repeat(2_048)}\n`],
  HeaderBroken: ['m.csv', 'key,"text\n'],
  HeaderNameMissing: ['m.csv', 'key,,text\n'],
  ColumnNameInvalid: ['m.csv', 'key,text,metadata\n'],
  DuplicateColumn: ['m.csv', 'key,text,key\n'],
  UnknownColumn: ['m.csv', 'key,texte\n'],
  KeyColumnMissing: ['m.csv', 'source,size\n'],
  PayloadColumnMissing: ['m.csv', 'key,size\n'],
  TemplateColumnMissing: ['m.csv', 'key,text\n', TEMPLATE],
};

const csv = (row: string | Buffer, columns = 'key,text', options: Sample[2] = {}): Sample => [
  'm.csv',
  Buffer.concat([Buffer.from(`${columns}\n`), Buffer.from(row as string)]),
  options,
];
const ndjson = (row: string): Sample => ['m.ndjson', row];
const url = (source: string): Sample => csv(`a,${source}`, 'key,source');
/** A row with text, and one column more. */
const withColumn = (column: string, value: string): Sample => csv(`a,b,${value}`, `key,text,${column}`);
const ELEVEN = Array.from({ length: 11 }, (_, number) => number);
const KEY = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
/** In a header, each of its characters takes six bytes. */
const LONG_TAG = 'ü'.repeat(256);

/** Each file has one bad row, the last. */
const ROWS: Readonly<Record<RowFault, Sample>> = {
  RowTooLong: csv(`a,${'x'.repeat(256 * 1024)}`),
  QuoteNotClosed: csv('a,"b'),
  InvalidUtf8: csv(Buffer.from('a,\xff', 'latin1')),
  HeaderRepeated: csv('key,text'),
  ColumnCount: csv('a,b,c'),
  InvalidJson: ndjson('{"key":"a",}'),
  NotAnObject: ndjson('{"key":"first","text":""}\n["a","b"]'),
  UnknownColumn: ndjson('{"key":"a","texte":"b"}'),
  WrongType: ndjson('{"key":1.10,"text":"b"}'),
  KeyMissing: csv(',b'),
  KeyTooLong: csv(`${'k'.repeat(1_025)},b`),
  KeyEncoding: ['m.batch-csv', 'bucket,a\nbucket,b\nbucket,c\nbucket,d\nbucket,50%'],
  KeyRefused: csv('../a,b'),
  KeyEmpty: csv('a,b', 'key,text', { 'strip-prefix': 'a' }),
  AffixMissing: csv('a,b', 'key,text', { 'strip-prefix': '2019/' }),
  TemplateColumnMissing: csv('a,b,', 'key,text,album', TEMPLATE),
  DuplicateKey: csv('a,b\na,c'),
  UnfitCharacters: ndjson('{"key":"\\ud800","text":"b"}'),
  PayloadMissing: csv('a,'),
  PayloadAmbiguous: csv('a,b,s3://bucket/c', 'key,text,source'),
  SourceInvalid: csv('a,bucket/c', 'key,source'),
  SourceEtagInvalid: csv('a,s3://bucket/c,W/1', 'key,source,source_etag'),
  UrlInvalid: url('https://'),
  UrlTooLong: url(`https://example.com/${'x'.repeat(8_000)}`),
  UrlNotHttps: url('http://example.com/c'),
  UrlHasCredentials: url('https://user:password@example.com/c'),
  UrlHasFragment: url('https://example.com/c#d'),
  UrlPort: url('https://example.com:8443/c'),
  UrlHostIsAddress: url('https://192.0.2.1/c'),
  UrlHostInvalid: url('https://localhost/c'),
  VersionInvalid: csv('a,b,v1', 'key,text,source_version'),
  TextTooLarge: csv(`a,${'x'.repeat(65_537)}`),
  Base64Invalid: csv('a,b', 'key,base64'),
  Base64TooLarge: csv(`a,${'AAAA'.repeat(21_847)}`, 'key,base64'),
  ContentTypeInvalid: withColumn('content_type', 'ü'),
  HeaderInvalid: withColumn('cache_control', 'ü'),
  HeadersTooLarge: csv(
    `a,b,${'x'.repeat(1_024)},${'x'.repeat(1_024)}`,
    'key,text,cache_control,content_disposition',
  ),
  MetadataInvalid: withColumn('metadata.owner', 'ü'),
  MetadataTooLarge: withColumn('metadata.owner', 'x'.repeat(2_048)),
  TagInvalid: withColumn('tag.team', '!'),
  TooManyTags: csv(`a,b,${ELEVEN.join(',')}`, `key,text,${ELEVEN.map((each) => `tag.t${each}`).join(',')}`),
  AttributesTooLarge: csv(`a,b,${Array(4).fill(LONG_TAG).join(',')}`, 'key,text,tag.t1,tag.t2,tag.t3,tag.t4'),
  StorageClassInvalid: withColumn('storage_class', 'COLD'),
  EncryptionInvalid: withColumn('encryption', 'AES'),
  KmsKeyInvalid: withColumn('kms_key', 'alias/key'),
  KmsKeyNotAllowed: csv(`a,b,aws:kms,${KEY}`, 'key,text,encryption,kms_key'),
  SourceNotAllowed: csv('a,s3://other/c', 'key,source'),
  ChecksumAlgorithmInvalid: withColumn('checksum_algorithm', 'MD4'),
  IfExistsInvalid: withColumn('if_exists', 'keep'),
  SizeInvalid: csv('a,s3://bucket/c,1.5', 'key,source,size'),
};

interface Fault {
  code: string;
  message: string;
}

function openSample([key, content, given = {}]: Sample) {
  const bytes = Buffer.from(content as string);
  const parsed = parseJobOptions({ destination: 's3://destination/', spread: 'off', ...given }, [
    'destination',
  ]);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  const { options } = parsed;
  const extraColumns = extraColumnsOf(options.keyTemplate);
  return { bytes, options, opened: openManifest(bytes, { key, sizeBytes: bytes.length, extraColumns }) };
}

function faultOfManifest(sample: Sample): Fault {
  const { opened } = openSample(sample);
  if (opened.kind === 'readable') throw new Error(`${sample[0]} can be read`);
  return opened;
}

/** As ingest rejects it: with the checks that need the job's options, too. */
async function faultOfRow(sample: Sample): Promise<Fault> {
  const [key] = sample;
  const { bytes, options, opened } = openSample(sample);
  if (opened.kind === 'unreadable') throw new Error(opened.message);
  const { client: s3, write } = createMemoryS3({ versioned: [] });
  write('inbox', key, bytes);
  const job = aJob({
    head: opened.head,
    options,
    manifest: { bucket: 'inbox', key, sizeBytes: bytes.length, etag: '' },
  });
  const { versionId: _, etag: __, ...manifest } = { versionId: '', ...job.manifest };
  const { bodyOffset, bodyLine } = opened.head;
  const place = manifestBytes(bodyOffset, bytes.length, bodyLine);
  const reader = {
    s3,
    clock: createVirtualClock(),
    random: () => 0,
    sources: { buckets: ['bucket'] },
    kmsKeys: [],
  };
  const blocks: Block[] = await Array.fromAsync(
    readSliceBlocks(reader, { ...job, manifest } as typeof job, { place }),
  );
  const [rejected, ...others] = blocks.flatMap((block) => block.rejected);
  expect(others).toEqual([]);
  return { code: rejected?.code ?? 'none', message: rejected?.message ?? '' };
}

/** Characters of a sample that are shown. */
const MAX_SHOWN = 72;

/** A text as a cell of a table in Markdown, in one line. */
function cell(text: string): string {
  return visibleText(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function shown([name, content, options = {}]: Sample): string {
  const text = JSON.stringify(Buffer.from(content as string).toString('latin1'));
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  const given = Object.entries(options).map(([option, value]) => `, with \`${option}\` \`${value}\``);
  return `\`${name}\` \`${cell(cut).replaceAll('`', "'")}\`${given.join('')}`;
}

async function table<Code extends string>(
  samples: Readonly<Record<Code, Sample>>,
  texts: Readonly<Record<Code, string>>,
  faultOf: (sample: Sample) => Fault | Promise<Fault>,
): Promise<string> {
  const rows = Object.entries<Sample>(samples).map(async ([code, sample]) => {
    const { message } = await faultOf(sample);
    return `| \`${code}\` | ${cell(texts[code as Code])} | ${shown(sample)} | ${cell(message)} |`;
  });
  return [
    '| code | what | a sample | its message |',
    '| --- | --- | --- | --- |',
    ...(await Promise.all(rows)),
  ].join('\n');
}

async function convertedTable(): Promise<string> {
  const rows = Object.entries<ConvertedSample>(CONVERTED).map(async ([code, [sample, faultOf]]) => {
    const { message } = await faultOf();
    return `| \`${code}\` | ${cell(manifestFaults[code as ManifestFault])} | ${sample} | ${cell(message)} |`;
  });
  return [
    '| code | what | a sample | its message |',
    '| --- | --- | --- | --- |',
    ...(await Promise.all(rows)),
  ].join('\n');
}

describe('the reference of bad input', () => {
  it.each(Object.entries(MANIFESTS))('has a manifest that ends its job as %s', (code, sample) => {
    expect(faultOfManifest(sample)).toMatchObject({ code, message: expect.stringMatching(/\S/) });
  });

  it.each(Object.entries(CONVERTED))(
    'has a converted manifest that ends its job as %s',
    async (code, [, faultOf]) => {
      expect(await faultOf()).toMatchObject({ code, message: expect.stringMatching(/\S/) });
    },
  );

  it.each(Object.entries(ROWS))('has a row that is rejected as %s', async (code, sample) => {
    expect(await faultOfRow(sample)).toMatchObject({ code, message: expect.stringMatching(/\S/) });
  });

  it('is what the code says', async () => {
    await expect(`# Bad input

Every fault of a manifest or of a row, with a sample that has it and the message of that sample. The samples show bytes as
JSON. \`spillway_code\` and \`spillway_message\` of a report, and \`fault\` of a job, hold them.

## A manifest that can't be read

Its job ends as \`failed\` with this fault. Nothing is written.

${await table(MANIFESTS, manifestFaults, faultOfManifest)}

## A manifest that can't be converted

Compressed manifests, JSON arrays, Parquet and lists of files are converted before any of their rows is sent. The job ends as
\`failed\` with this fault, and nothing is written.

${await convertedTable()}

## A bad row

The row is rejected: it stands in the report with its line and this message. The rows around it go on. A job of which too many
rows are bad is stopped (\`max-failed-percent\`).

${await table(ROWS, rowFaults, faultOfRow)}

## A job that fails for another reason

| code | what |
| --- | --- |
${Object.entries(jobFaults)
  .map(([code, what]) => `| \`${code}\` | ${cell(what)} |`)
  .join('\n')}

Codes of rows that were accepted and not stored are those of S3, and those in [manifests.md](manifests.md) and
[guarantees.md](guarantees.md).
`).toMatchFileSnapshot('../../docs/bad-input.md');
  });
});

/** How the sources write the code of a fault. */
const WRITTEN =
  /(?:\bcode: |\b(?:\w*[fF]ault|failed|unreadable|refuse|permanent|transient|reject)\(\s*(?:payload,\s*)?)'([A-Z]\w+)'/g;

describe('a code that the functions write', () => {
  const root = new URL('../../', import.meta.url);
  const textOf = (file: string) => readFileSync(new URL(file, root), 'utf8');
  const files = (folder: string, ending: string) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(ending))
      .map((file) => `${folder}${file}`);
  const documents = files('docs/', '.md').map(textOf).join('\n');
  const inFolders = (...folders: string[]) => folders.flatMap((folder) => files(folder, '.ts')).map(textOf);
  const codesIn = (texts: string[]) => [
    ...new Set(texts.flatMap((text) => [...text.matchAll(WRITTEN)].map(([, code = '']) => code))),
  ];
  const sources = inFolders('shared/', 'functions/');
  const written = codesIn(sources).sort();
  // What is wrong with rows and jobs is found here; how transfers end is another matter.
  const checking = ['manifest', 'attributes', 'keys', 'blocks', 'job'].map((room) => `shared/${room}/`);
  const tables = { ...manifestFaults, ...rowFaults, ...jobFaults };

  it('is found in the sources', () => {
    expect(written.length).toBeGreaterThan(90);
  });

  it.each(codesIn(inFolders(...checking, 'functions/ingest/', 'functions/sweep/')))(
    '%s of a check is in a table',
    (code) => {
      expect(Object.keys(tables)).toContain(code);
    },
  );

  it.each(written)('%s is explained in the documents', (code) => {
    expect(documents.includes(`\`${code}\``)).toBe(true);
  });

  it.each(Object.keys(tables))('%s of the tables is written', (code) => {
    expect(sources.some((text) => text.includes(`'${code}'`))).toBe(true);
  });
});
