// Rows of a slice that land on the same destination key, and rows whose key can't be made.
import { describe, expect, it } from 'vitest';
import { reportRow } from '../../functions/settle/report-rows.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import {
  type Block,
  type BlockReaderDependencies,
  readSliceBlocks,
} from '../../shared/blocks/read-blocks.ts';
import type { JobOptions } from '../../shared/job/options.ts';
import { rowFaults } from '../../shared/manifest/faults.ts';
import { messageBody, parseUploadMessage } from '../../shared/queue/messages.ts';
import { aJob, anOutcome, anUploadMessage, JOB_OPTIONS, manifestBytes } from '../helpers/records.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const HEADER = 'key,text\n';

async function blocksOf(
  rows: string,
  options: Partial<JobOptions>,
  sources: BlockReaderDependencies['sources'] = { buckets: [] },
  header = HEADER,
  extraColumns: readonly string[] = [],
): Promise<Block[]> {
  const s3 = createMemoryS3({ versioned: ['inbox'] });
  const content = header + rows;
  s3.write('inbox', 'list.csv', content);
  const columns = header.trim().split(',');
  const job = aJob({
    blockRows: 2,
    options: { ...JOB_OPTIONS, duplicateKeys: 'reject', ...options },
    head: { format: 'csv', columns, bodyOffset: header.length, bodyLine: 2, extraColumns },
  });
  const place = manifestBytes(header.length, content.length, 2);
  const reader = { s3: s3.client, clock: createVirtualClock(), random: () => 0, sources };
  return Array.fromAsync(readSliceBlocks(reader, job, { place }));
}

const accepted = (blocks: readonly Block[]) =>
  blocks.flatMap((block) => block.accepted.map(({ line }) => line));
const rejected = (blocks: readonly Block[]) =>
  blocks.flatMap((block) => block.rejected.map(({ line, code }) => `${line} ${code}`));

describe('rows with the same destination key', () => {
  it('are rejected but for the first, in every block, and the message names the line of the first', async () => {
    const blocks = await blocksOf('a,1\nb,2\na,3\nc,4\nb,5\n', {});
    expect(accepted(blocks)).toEqual([2, 3, 5]);
    expect(rejected(blocks)).toEqual(['4 DuplicateKey', '6 DuplicateKey']);
    expect(blocks[1]?.rejected[0]?.message).toMatch(
      /^the row on line 2 has the same.*duplicate-keys to allow$/,
    );
    expect(await blocksOf('a,1\nb,2\na,3\nc,4\nb,5\n', {})).toEqual(blocks);
  });

  it('are found by the key that the template makes', async () => {
    const blocks = await blocksOf('x/a.csv,1\ny/a.csv,2\n', { keyTemplate: '{name}', spread: 'binary' });
    expect(rejected(blocks)).toEqual(['3 DuplicateKey']);
  });

  it('are all written where the option allows it, as in jobs from before it', async () => {
    const blocks = await blocksOf('a,1\na,2\n', { duplicateKeys: 'allow' });
    expect(accepted(blocks)).toEqual([2, 3]);
    expect(JOB_OPTIONS.duplicateKeys).toBe('allow');
  });

  it('are the same ones where no source is checked: a refused row keeps its key', async () => {
    const header = 'key,source,text\n';
    const rows = 'a,s3://bucket/a,\na,,2\n';
    expect(rejected(await blocksOf(rows, {}, { buckets: [] }, header))).toEqual([
      '2 SourceNotAllowed',
      '3 DuplicateKey',
    ]);
    expect(rejected(await blocksOf(rows, {}, 'unchecked', header))).toEqual(['3 DuplicateKey']);
  });

  it('are not counted where the row itself is bad', async () => {
    expect(rejected(await blocksOf('a,1,2\na,1\n', {}))).toEqual(['2 ColumnCount']);
  });
});

describe('a key that a template can not make', () => {
  it('rejects its row with a code, and the good rows go on', async () => {
    const options = { keyTemplate: '{column:album}/{name}', stripPrefix: 'in/' };
    const header = 'key,text,album\n';
    const long = 'x'.repeat(1_020);
    const rows = `in/a,1,s\nin/b,1,\nout/c,1,s\nin/${long},1,long\n`;
    const blocks = await blocksOf(rows, options, { buckets: [] }, header, ['album']);
    expect(accepted(blocks)).toEqual([2]);
    expect(rejected(blocks)).toEqual(['3 TemplateColumnMissing', '4 AffixMissing', '5 KeyTooLong']);
    for (const each of rejected(blocks)) expect(rowFaults).toHaveProperty(each.split(' ')[1] ?? '');
  });
});

describe('the columns of a template', () => {
  const item = { key: 'a', text: 't', spillway_columns: { album: 's', columns: 'c' } };

  it('travel in the message', () => {
    const message = anUploadMessage({ item });
    expect(parseUploadMessage(messageBody(message))).toEqual({ kind: 'message', message });
  });

  it.each([
    ['a list', []],
    ['text', 'x'],
    ['values that are no text', { album: 7 }],
    ['values that are too long', { album: 'x'.repeat(2_000) }],
  ])('make a message unreadable as %s', (_, columns) => {
    const message = { ...anUploadMessage(), item: { key: 'a', text: 't', spillway_columns: columns } };
    expect(parseUploadMessage(JSON.stringify(message)).kind).toBe('unreadable');
  });

  it('stand in the failed report as in the manifest, so that a redrive makes the same key', () => {
    const row = reportRow(anOutcome({ status: 'failed', item, code: 'X', message: 'why' }));
    expect(row).toEqual({
      ...{ key: 'a', text: 't', album: 's', columns: 'c' },
      ...{ spillway_code: 'X', spillway_message: 'why', spillway_place: 'line 2', spillway_raw: undefined },
    });
  });
});
