// Manifests that are converted before they are cut, on the whole pipeline: compressed ones and JSON arrays.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PipelineCloud, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const OFF = { spread: 'off' };
const SWEEP_EVERY_MS = 1_000;
/** Of one job, also on a machine that does much else. */
const MOST_MS = 110_000;

describe('a manifest that is converted', () => {
  let cloud: PipelineCloud;
  beforeAll(async () => {
    cloud = await startPipelineCloud({
      adjust({ functions: { ingest } }) {
        if (ingest !== undefined) ingest.environment['SPILLWAY_SLICE_BYTES'] = '4000';
      },
    });
  });
  afterAll(() => cloud?.stop());

  const stored = async (key: string) => (await cloud.read(cloud.names.destination, key))?.toString();
  const converted = (job: string) => cloud.keys(cloud.names.reports, `converted/${job}/`);
  const drop = async (key: string, bytes: Uint8Array | string) =>
    cloud.ended(await cloud.drop(key, Buffer.from(bytes as string), { options: OFF }), MOST_MS);
  const rowsOf = (folder: string, rows: number) =>
    Array.from({ length: rows }, (_, row) => `${folder}/${row}`);

  it.each([
    ['gzip', 'csv.gz', gzipSync],
    ['zstandard', 'csv.zst', zstdCompressSync],
  ])('in %s ends with every row, each at its place in the expanded text', async (_, ending, compress) => {
    const rows = rowsOf(`in-${ending}`, 300).map((key, row) => (row === 7 ? 'bad' : `${key},text ${row}`));
    const end = await drop(`lists/list.${ending}`, compress(`key,text\n${rows.join('\n')}\n`));
    expect(end).toMatchObject({ state: 'completed', rows: 300, stored: 299, rejected: 1, unaccounted: 0 });
    expect(await stored(`in-${ending}/299`)).toBe('text 299');
    expect(await cloud.rows(end, 'rejected')).toMatchObject([
      { spillway_code: 'ColumnCount', spillway_place: 'line 9' },
    ]);
    const keys = await converted(end.job);
    expect(keys.map((key) => key.replace(/.*\//, ''))).toEqual(['list.json', 'unit-00000']);
  });

  it('as a JSON array ends with every element, whatever its lines are', async () => {
    const elements = [
      ...rowsOf('array', 200).map((key) => ({ key, text: 'a' })),
      { key: 20240101, text: 'digits' },
    ].map((row) => JSON.stringify(row, undefined, 2));
    const array = `\ufeff[\n${elements.join(',\n')},\n{"key": 1.10, "text": "x"}, null\n]\n`;
    const end = await drop('lists/list.json', array);
    expect(end).toMatchObject({ state: 'completed', rows: 203, stored: 201, rejected: 2, unaccounted: 0 });
    expect(await stored('20240101')).toBe('digits');
    expect(await cloud.rows(end, 'rejected')).toMatchObject([
      { spillway_code: 'WrongType', spillway_place: 'line 202', key: '1.10' },
      { spillway_code: 'NotAnObject', spillway_place: 'line 203' },
    ]);
  });

  it('as a compressed JSON array, and without a telling name, is recognised by its content', async () => {
    const array = gzipSync(JSON.stringify(rowsOf('nameless', 3).map((key) => ({ key, text: 'n' }))));
    expect(await drop('lists/export', array)).toMatchObject({ state: 'completed', rows: 3, stored: 3 });
  });

  it('is taken over the API, compressed or as an array', async () => {
    const post = async (contentType: string, body: string | Uint8Array<ArrayBuffer>) => {
      const answer = await fetch(`${cloud.endpoints.api}/jobs?spread=off`, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body,
      });
      return { status: answer.status, json: (await answer.json()) as { job: string; message: string } };
    };
    const gzip = await post('application/gzip', gzipSync('key,text\nposted/gzip,1\n'));
    const array = await post('application/json', '[{"key":"posted/array","text":"2"}]');
    for (const { status, json } of [gzip, array]) {
      expect(status).toBe(202);
      expect(await cloud.ended(json.job, MOST_MS)).toMatchObject({ state: 'completed', stored: 1 });
    }
    expect(await stored('posted/gzip')).toBe('1');
    expect(await stored('posted/array')).toBe('2');
    expect(await post('application/gzip', gzipSync('key,sorce\na,b\n'))).toMatchObject({
      status: 400,
      json: { message: expect.stringContaining('unpacked from gzip: unknown column "sorce"') },
    });
  });

  const gzip = gzipSync(`key,text\n${rowsOf('none', 60_000).join(',x\n')},x\n`);
  it.each([
    ['is cut off', 'cut.csv.gz', gzip.subarray(0, -9), 'CompressionBroken', /cut off: it ends at byte \d+/],
    [
      'is a bomb',
      'bomb.csv.gz',
      gzipSync(Buffer.alloc(20_000_000, 'key,text\n')),
      'ExpandedTooLarge',
      /expand to \d+/,
    ],
    [
      'is an array without its end',
      'cut.json',
      '[{"key":"none/x","text":"x"},\n{"key',
      'JsonArrayBroken',
      /line 2, byte 35/,
    ],
    [
      'has a bad header',
      'head.csv.gz',
      gzipSync('key,sorce\nnone/x,y\n'),
      'UnknownColumn',
      /did you mean source/,
    ],
  ])('and %s fails its job, with no row sent', async (_, name, bytes, code, message) => {
    const end = await drop(`lists/${name}`, bytes);
    expect(end).toMatchObject({
      state: 'failed',
      rows: 0,
      fault: { code, message: expect.stringMatching(message) },
    });
    expect(await cloud.keys(cloud.names.destination, 'none/')).toEqual([]);
    expect(await converted(end.job)).toEqual([]);
  });
});

describe('a converted manifest of bad rows', () => {
  let cloud: PipelineCloud;
  let sweeping: NodeJS.Timeout;
  beforeAll(async () => {
    cloud = await startPipelineCloud({
      visibilitySeconds: 3,
      adjust({ functions: { sweep, settle } }) {
        for (const each of [sweep, settle]) {
          if (each !== undefined) each.environment['SPILLWAY_UPLOAD_SECONDS'] = '1';
        }
      },
    });
    sweeping = setInterval(() => void cloud.trigger('sweep').catch(() => undefined), SWEEP_EVERY_MS);
  });
  afterAll(async () => {
    clearInterval(sweeping);
    await cloud?.stop();
  });

  it('is stopped, and settle reads its text again to account for each row', async () => {
    const body = gzipSync(`key,text\n${'x\n'.repeat(10_000)}`);
    const end = await cloud.ended(await cloud.drop('lists/bad.csv.gz', body, { options: OFF }), MOST_MS);
    expect(end).toMatchObject({
      state: 'failed',
      fault: { code: 'TooManyRejected' },
      rows: 10_000,
      rejected: 10_000,
      unaccounted: 0,
    });
  });
});
