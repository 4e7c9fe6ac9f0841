// Files that the commands write: whole or not at all, and named with a remedy where they can't be written.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '../../cli/failure.ts';
import { writeFiles, writeWhole } from '../../cli/files.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const ELSEWHERE = 'name another folder with --out';

let work: string;
beforeEach(async () => {
  work = await folderOfTest();
});

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

function textOf(...names: string[]): string {
  return readFileSync(path.join(work, ...names), 'utf8');
}

describe('a file', () => {
  it('is written with the folders above it, from text or from chunks', async () => {
    await writeWhole(path.join(work, 'a', 'b', 'c.txt'), 'text', ELSEWHERE);
    await writeWhole(path.join(work, 'a', 'b', 'd.txt'), chunks('one ', 'two ', 'three'), ELSEWHERE);
    await writeWhole(path.join(work, 'empty'), '', ELSEWHERE);
    expect(textOf('a', 'b', 'c.txt')).toBe('text');
    expect(textOf('a', 'b', 'd.txt')).toBe('one two three');
    expect(textOf('empty')).toBe('');
    expect(readdirSync(path.join(work, 'a', 'b'))).toEqual(['c.txt', 'd.txt']);
  });

  it('stays as it was where the content ends in an error, and that error goes on', async () => {
    writeFileSync(path.join(work, 'a.txt'), 'as it was');
    const broken = async function* () {
      yield* chunks('the first half');
      throw new RangeError('the connection broke');
    };
    const written = writeWhole(path.join(work, 'a.txt'), broken(), ELSEWHERE);
    await expect(written).rejects.toThrow(new RangeError('the connection broke'));
    expect(textOf('a.txt')).toBe('as it was');
    expect(readdirSync(work)).toEqual(['a.txt']);
  });

  it('takes the place of an earlier one, also with a name as long as names can be', async () => {
    const name = 'n'.repeat(255);
    await writeWhole(path.join(work, name), 'first', ELSEWHERE);
    await writeWhole(path.join(work, name), 'second', ELSEWHERE);
    expect(textOf(name)).toBe('second');
    expect(readdirSync(work)).toEqual([name]);
  });

  it.each([
    ['a file stands where its folder should (ENOTDIR)', 'file/a.txt'],
    ['a file stands where its folder should (ENOTDIR)', 'file/below/a.txt'],
    ['a folder stands where the file should (EISDIR)', 'folder'],
    ['its name is too long for the file system (ENAMETOOLONG)', 'n'.repeat(256)],
  ])('that cannot be written is named, with the reason and the remedy: %s', async (reason, name) => {
    writeFileSync(path.join(work, 'file'), 'x');
    mkdirSync(path.join(work, 'folder'));
    const to = path.join(work, name);
    await expect(writeWhole(to, 'text', ELSEWHERE)).rejects.toThrow(
      new Failure(`${to} was not written: ${reason}. Name another folder with --out`),
    );
    expect(readdirSync(work)).toEqual(['file', 'folder']);
  });
});

describe('several files', () => {
  it('are written up to the first that fails, whose failure is returned', async () => {
    mkdirSync(path.join(work, 'out', 'b'), { recursive: true });
    const out = path.join(work, 'out');
    const { files, failure } = await writeFiles(out, { a: 'first', b: 'second', c: 'third' }, ELSEWHERE);
    expect(files).toEqual([path.join(out, 'a')]);
    expect(failure?.message).toMatch(/b was not written: a folder stands where the file should \(EISDIR\)\./);
    expect(readdirSync(out)).toEqual(['a', 'b']);
    const later = await writeFiles(path.join(work, 'new'), { a: 'first' }, ELSEWHERE);
    expect(later).toEqual({ files: [path.join(work, 'new', 'a')] });
  });
});
