// docs/bad-input.md is made from these samples: each provokes one fault of shared/manifest/faults.ts, and a fault without a sample
// fails the test. A new fault is a line here. After a change: npx vitest run -u tests/unit/bad-input-reference.test.ts
import { describe, expect, it } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { type Block, readSliceBlocks } from '../../shared/blocks/read-blocks.ts';
import {
  type ManifestFault,
  manifestFaults,
  type RowFault,
  rowFaults,
} from '../../shared/manifest/faults.ts';
import { openManifest } from '../../shared/manifest/open.ts';
import { visibleText } from '../../shared/text/visible.ts';
import { aJob, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

/** A file by its name, and its bytes: text is UTF-8. */
type Sample = readonly [name: string, content: string | Buffer];

const MANIFESTS: Readonly<Record<ManifestFault, Sample>> = {
  Empty: ['m.csv', '\n \n'],
  Compressed: ['m.csv', Buffer.from('PK\x03\x04')],
  UnsupportedFormat: ['m.orc', Buffer.from('ORC')],
  Binary: ['m.csv', 'key,text\0\n'],
  NotUtf8: ['m.csv', Buffer.from('\ufeffkey,text\n', 'utf16le')],
  UnknownFormat: ['m', 'hello\n'],
  FormatMismatch: ['m.ndjson', 'key,text\na,b\n'],
  WrongSeparator: ['m.csv', 'key;text\na;b\n'],
  HeaderTooLong: ['m.csv', `key,text,spillway_${'x'.repeat(2_048)}\n`],
  HeaderBroken: ['m.csv', 'key,"text\n'],
  HeaderNameMissing: ['m.csv', 'key,,text\n'],
  DuplicateColumn: ['m.csv', 'key,text,key\n'],
  UnknownColumn: ['m.csv', 'key,texte\n'],
  KeyColumnMissing: ['m.csv', 'source,size\n'],
  PayloadColumnMissing: ['m.csv', 'key,size\n'],
};

const csv = (row: string | Buffer, columns = 'key,text'): Sample => [
  'm.csv',
  Buffer.concat([Buffer.from(`${columns}\n`), Buffer.from(row as string)]),
];
const ndjson = (row: string): Sample => ['m.ndjson', `{"key":"first","text":""}\n${row}`];

/** Each file has one bad row, the last. */
const ROWS: Readonly<Record<RowFault, Sample>> = {
  RowTooLong: csv(`a,${'x'.repeat(256 * 1024)}`),
  QuoteNotClosed: csv('a,"b'),
  InvalidUtf8: csv(Buffer.from('a,\xff', 'latin1')),
  HeaderRepeated: csv('key,text'),
  ColumnCount: csv('a,b,c'),
  InvalidJson: ndjson('{"key":"a",}'),
  NotAnObject: ndjson('["a","b"]'),
  UnknownColumn: ndjson('{"key":"a","texte":"b"}'),
  WrongType: ndjson('{"key":1.10,"text":"b"}'),
  KeyMissing: csv(',b'),
  KeyTooLong: csv(`${'k'.repeat(1_025)},b`),
  KeyRefused: csv('../a,b'),
  UnfitCharacters: ndjson('{"key":"\\ud800","text":"b"}'),
  PayloadMissing: csv('a,'),
  PayloadAmbiguous: csv('a,b,s3://bucket/c', 'key,text,source'),
  SourceInvalid: csv('a,bucket/c', 'key,source'),
  VersionInvalid: csv('a,b,v1', 'key,text,source_version'),
  TextTooLarge: csv(`a,${'x'.repeat(65_537)}`),
  Base64Invalid: csv('a,b', 'key,base64'),
  Base64TooLarge: csv(`a,${'AAAA'.repeat(21_847)}`, 'key,base64'),
  ContentTypeInvalid: csv('a,b,ü', 'key,text,content_type'),
  SizeInvalid: csv('a,s3://bucket/c,1.5', 'key,source,size'),
};

interface Fault {
  code: string;
  message: string;
}

function faultOfManifest([key, content]: Sample): Fault {
  const bytes = Buffer.from(content as string);
  const opened = openManifest(bytes, { key, sizeBytes: bytes.length });
  if (opened.kind === 'readable') throw new Error(`${key} can be read`);
  return opened;
}

/** As ingest rejects it: with the checks that need the job's options, too. */
async function faultOfRow([key, content]: Sample): Promise<Fault> {
  const bytes = Buffer.from(content as string);
  const opened = openManifest(bytes, { key, sizeBytes: bytes.length });
  if (opened.kind === 'unreadable') throw new Error(opened.message);
  const { client: s3, write } = createMemoryS3({ versioned: [] });
  write('inbox', key, bytes);
  const job = aJob({
    head: opened.head,
    manifest: { bucket: 'inbox', key, sizeBytes: bytes.length, etag: '' },
  });
  const { versionId: _, etag: __, ...manifest } = { versionId: '', ...job.manifest };
  const { bodyOffset, bodyLine } = opened.head;
  const place = manifestBytes(bodyOffset, bytes.length, bodyLine);
  const reader = { s3, clock: createVirtualClock(), random: () => 0, sources: 'unchecked' as const };
  const blocks: Block[] = await Array.fromAsync(
    readSliceBlocks(reader, { ...job, manifest } as typeof job, { place }),
  );
  const [rejected, ...others] = blocks.flatMap((block) => block.rejected);
  expect(others).toEqual([]);
  return { code: rejected?.code ?? 'none', message: rejected?.message ?? '' };
}

/** Characters of a sample that are shown. */
const MAX_SHOWN = 48;

/** A text as a cell of a table in Markdown, in one line. */
function cell(text: string): string {
  return visibleText(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function shown(content: string | Buffer): string {
  const text = JSON.stringify(Buffer.from(content as string).toString('latin1'));
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return `\`${cell(cut).replaceAll('`', "'")}\``;
}

async function table<Code extends string>(
  samples: Readonly<Record<Code, Sample>>,
  texts: Readonly<Record<Code, string>>,
  faultOf: (sample: Sample) => Fault | Promise<Fault>,
): Promise<string> {
  const rows = Object.entries<Sample>(samples).map(async ([code, sample]) => {
    const { message } = await faultOf(sample);
    return `| \`${code}\` | ${cell(texts[code as Code])} | \`${sample[0]}\` ${shown(sample[1])} | ${cell(message)} |`;
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

## A bad row

The row is rejected: it stands in the report with its line and this message. The rows around it go on. A job of which too many
rows are bad is stopped (\`max-failed-percent\`).

${await table(ROWS, rowFaults, faultOfRow)}
`).toMatchFileSnapshot('../../docs/bad-input.md');
  });
});
