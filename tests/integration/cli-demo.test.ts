// `spillway demo` and `spillway key` as a user runs them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endsWhole } from '../helpers/demo-end.ts';
import { runSpillway } from '../helpers/spillway.ts';

/** Names that URLs, CSV, XML or shells give a meaning of their own. */
const ODD_NAMES = [
  'a b.txt',
  'a+b.txt',
  'a%2Fb.txt',
  'a&b=c?d#e.txt',
  `quotes "double" 'single'.txt`,
  'comma, semicolon;.txt',
  'line\nbreak.txt',
  '日本語/größe/🌊.txt',
  'nested/deep/er/file',
  '<tag>.xml',
  ' leading and trailing ',
  '...dots',
];
const MULTIPART_BYTES = 9 * 1024 * 1024;
const JSON_FIELDS = [
  ...['job', 'state', 'rows', 'stored', 'skipped', 'failed', 'cancelled', 'rejected', 'unaccounted'],
  ...['attempts', 'throttled', 'returned', 'reposted', 'bytes', 'seconds', 'objectsPerSecond'],
  ...['limitPerSecond', 'partitions', 'requests', 'costPerMillionUsd', 'report'],
];

let work: string;
let odd: string;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'spillway-demo-'));
  odd = path.join(work, 'odd');
  for (const name of ODD_NAMES) {
    const file = path.join(odd, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `contents of ${name}`);
  }
  await writeFile(path.join(odd, 'empty'), '');
  await writeFile(path.join(odd, 'large.bin'), Buffer.alloc(MULTIPART_BYTES, 'spill'));
});

afterAll(() => rm(work, { recursive: true, force: true }));

describe('spillway demo', () => {
  it('stores every file of a folder byte for byte, whatever its name', async () => {
    const { code, stdout, stderr } = await runSpillway(['demo', odd, '--json'], { cwd: work });
    expect(code, stderr).toBe(0);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(result)).toEqual(expect.arrayContaining(JSON_FIELDS));
    const rows = ODD_NAMES.length + 2;
    expect(result).toMatchObject({
      state: 'completed',
      rows,
      stored: rows,
      failed: 0,
      rejected: 0,
      unaccounted: 0,
      partitions: 1,
      readBack: { right: rows, missing: 0, different: 0, extra: 0 },
    });
    expect(result['bytes']).toBeGreaterThan(MULTIPART_BYTES);
    expect(Object.keys(result['costPerMillionUsd'] as object)).toEqual([
      ...['destinationWrites', 's3', 'sqs', 'lambda', 'dynamodb', 'logs', 'total'],
    ]);
    const report = JSON.parse(await readFile(path.join(work, String(result['report'])), 'utf8'));
    expect(report).toMatchObject({ job: result['job'], totals: { rows, stored: rows } });
  });

  it('reports a row that can not be stored, and is sound all the same', async () => {
    const folder = path.join(work, 'deep');
    // 1,020 bytes are a key; with the spread's 24 before them they are none.
    const nested = path.join(folder, ...Array.from({ length: 5 }, () => 'n'.repeat(169)));
    await mkdir(nested, { recursive: true });
    await writeFile(path.join(nested, 'f'.repeat(170)), 'too deep');
    await writeFile(path.join(folder, 'fits'), 'fits');
    const { code, stdout, stderr } = await runSpillway(['demo', folder, '--json'], { cwd: work });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 2, stored: 1, rejected: 1, unaccounted: 0 });
  });

  it('ends with 130 and nothing left while it starts', () => endsWhole(work, 'Spillway:', 'SIGINT'));

  it.each([
    { args: ['demo', 'missing'], code: 1, says: 'missing does not exist: name a folder' },
    { args: ['demo', 'a-file'], code: 1, says: 'a-file is not a folder' },
    { args: ['demo', 'empty-folder'], code: 1, says: 'holds no files' },
    { args: ['demo', '--files', '0'], code: 2, says: 'It takes a whole number from 1' },
    { args: ['demo', '--files', '1.5'], code: 2, says: 'It takes a whole number from 1' },
    { args: ['demo', '--limit', 'fast'], code: 2, says: 'It takes a number above 0' },
    { args: ['demo', '--spread', 'hex:9'], code: 2, says: 'none of binary, hex:N' },
    { args: ['demo', '--wrong'], code: 2, says: "unknown option '--wrong'" },
    { args: ['flood'], code: 2, says: "unknown command 'flood'" },
    { args: ['key'], code: 2, says: "missing required argument 'key'" },
    { args: ['key', 'foo', '--prefix', '/p'], code: 2, says: 'The prefix has an empty name' },
  ])('refuses $args with $code and a sentence', async ({ args, code, says }) => {
    await mkdir(path.join(work, 'empty-folder'), { recursive: true });
    await writeFile(path.join(work, 'a-file'), '');
    const end = await runSpillway(args, { cwd: work });
    expect(end).toMatchObject({ code, stdout: '' });
    expect(end.stderr).toContain(says);
    expect(end.stderr).not.toMatch(/^\s+at /m);
  });
});

describe('spillway key', () => {
  it.each([
    { args: ['foo'], stdout: '0101/1100/0100/00100000/foo\n' },
    { args: ['foo', 'a b', '--spread', 'hex:3'], stdout: 'f6a/foo\n3d9/a b\n' },
    { args: ['--spread', 'off', '--prefix', 'p/', '--', '-x'], stdout: 'p/-x\n' },
    { args: ['foo', '--spread', 'hex:3', '--prefix', '2026'], stdout: '2026/f6a/foo\n' },
    { args: ['foo', '--json'], stdout: '{"keys":["0101/1100/0100/00100000/foo"]}\n' },
  ])('prints the destination of $args', async ({ args, stdout }) => {
    expect(await runSpillway(['key', ...args], { cwd: work })).toMatchObject({ code: 0, stdout });
  });
});
