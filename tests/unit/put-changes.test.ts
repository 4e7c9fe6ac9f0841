// Files that change while `spillway put` reads them: what is stored is one version of a file, or it is not stored.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  link,
  open,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FileVersion, settledVersion } from '../../cli/put/file-version.ts';
import { openLocalFile } from '../../cli/put/local-file.ts';
import { type FileTask, type PutDependencies, putFile } from '../../cli/put/put-file.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { createBudget } from '../../shared/transfer/budget.ts';
import type { SentPart } from '../../shared/transfer/multipart-writer.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const MIB = 1024 ** 2;
/** Every system that has pipes in its file system has it. */
const MAKE_PIPE = 'mkfifo';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await folderOfTest();
  file = path.join(folder, 'file');
  await writeFile(file, 'contents');
});

/** The real clock: a file that was just written is waited for until its next ctime differs. */
const opened = () => openLocalFile(file, { clock: systemClock });

/** Writes over the file as it is, and puts its old times back. */
async function overwrite(content: string, at = file): Promise<void> {
  const { atime, mtime } = await stat(at);
  const handle = await open(at, 'r+');
  await handle.write(content);
  await handle.close();
  await utimes(at, atime, mtime);
}

describe('a local file', () => {
  it('is read from any place, and is what it was', async () => {
    const local = await opened();
    expect(local.sizeBytes).toBe(8);
    expect(String(await local.read(3, 5))).toBe('tents');
    await local.assertUnchanged();
    local.close();
    local.close();
  });

  it('that vanished is reported by its code', async () => {
    file = path.join(folder, 'gone');
    await expect(opened()).rejects.toMatchObject({ code: 'FileMissing' });
  });

  it('that a folder or a pipe has replaced is no file, and is not waited for', async () => {
    file = folder;
    await expect(opened()).rejects.toMatchObject({ code: 'NotAFile' });
    file = path.join(folder, 'pipe');
    execFileSync(MAKE_PIPE, [file]);
    await expect(opened()).rejects.toMatchObject({ code: 'NotAFile' });
  });

  it('that grew or shrank since it was opened has changed', async () => {
    const local = await opened();
    await appendFile(file, '!');
    await expect(local.assertUnchanged()).rejects.toMatchObject({ code: 'FileChanged' });
    await expect(local.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    await expect(local.read(0, 8)).rejects.toMatchObject({ code: 'FileChanged' });
    await truncate(file, 2);
    await expect(local.read(0, 8)).rejects.toMatchObject({ code: 'FileChanged' });
    await expect(local.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    local.close();
  });

  it('that was written over under its old mtime has changed', async () => {
    await utimes(file, 1_000, 1_000);
    const local = await opened();
    expect(String(await local.read(0, 4))).toBe('cont');
    await overwrite('CONTENTS');
    expect(String(await local.read(4, 4))).toBe('ENTS');
    await expect(local.assertUnchanged()).rejects.toMatchObject({ code: 'FileChanged' });
    local.close();
  });

  it('is what it was where only what had not been read was written over', async () => {
    const local = await opened();
    await overwrite('C');
    expect(String(await local.read(0, 8))).toBe('Contents');
    await local.assertUnchanged();
    local.close();
  });

  it.each([
    { title: 'chmod', act: () => chmod(file, 0o600) },
    { title: 'touch', act: () => utimes(file, 2_000, 2_000) },
    { title: 'a hard link', act: () => link(file, path.join(folder, 'other')) },
    { title: 'the same bytes again', act: () => overwrite('contents') },
    { title: 'its removal', act: () => rm(file) },
  ])('is what it was after $title', async ({ act }) => {
    const local = await opened();
    await local.read(0, 3);
    await act();
    await local.read(3, 5);
    await local.assertUnchanged();
    local.close();
  });

  it('that another replaced by rename is still the one that was opened', async () => {
    const local = await opened();
    await local.read(0, 3);
    await writeFile(path.join(folder, 'new'), 'CONTENTS');
    await rename(path.join(folder, 'new'), file);
    expect(String(await local.read(0, 8))).toBe('contents');
    await local.assertUnchanged();
    local.close();
  });

  it.each([0, 1, 70_000])('of %i bytes is read as a whole', async (size) => {
    await writeFile(file, Buffer.alloc(size, 'x'));
    const local = await opened();
    expect((await local.readWhole()).equals(Buffer.alloc(size, 'x'))).toBe(true);
    await local.assertUnchanged();
    local.close();
  });

  it.skipIf(!existsSync('/proc/version'))('that says it is empty and is not is told', async () => {
    file = '/proc/version';
    const local = await opened();
    expect(local.sizeBytes).toBe(0);
    await expect(local.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    local.close();
  });
});

describe('the version of a file', () => {
  const NOW_MS = Date.UTC(2026, 0, 1);
  const version = (ctimeMs: number, sizeBytes = 8): FileVersion => ({
    sizeBytes,
    mtimeNs: 1n,
    ctimeNs: BigInt(ctimeMs) * 1_000_000n + 1n,
  });

  async function settle(looks: FileVersion[]) {
    const clock = createVirtualClock(NOW_MS);
    let at = 0;
    const look = () => looks[Math.min(at++, looks.length - 1)] ?? version(0);
    const settled = await settledVersion(look, clock);
    return { settled, waitedMs: clock.now() - NOW_MS };
  }

  it('that is old is taken at once', async () => {
    expect(await settle([version(NOW_MS - 20)])).toEqual({ settled: version(NOW_MS - 20), waitedMs: 0 });
  });

  it('that was written in this tick is taken once no other write can have the same ctime', async () => {
    expect(await settle([version(NOW_MS - 5)])).toEqual({ settled: version(NOW_MS - 5), waitedMs: 15 });
  });

  it('is waited for by seconds where the file system counts in seconds', async () => {
    const coarse = { ...version(0), ctimeNs: BigInt(NOW_MS) * 1_000_000n };
    expect(await settle([coarse])).toEqual({ settled: coarse, waitedMs: 2_020 });
  });

  it("is taken after one grain where another machine's clock is ahead", async () => {
    const ahead = version(NOW_MS + 60_000);
    expect(await settle([ahead])).toEqual({ settled: ahead, waitedMs: 20 });
  });

  it('is the later one where it changed meanwhile, and none where it changes all the time', async () => {
    const later = version(NOW_MS + 1, 9);
    expect((await settle([version(NOW_MS), later])).settled).toEqual(later);
    const always = Array.from({ length: 50 }, (_, index) => version(NOW_MS + index * 20));
    expect((await settle(always)).settled).toBeUndefined();
  });
});

describe('putting a file that changes', () => {
  /** The real clock for the file's times, without the rest before a new start. */
  const clock: Clock = { now: systemClock.now, sleep: (ms) => systemClock.sleep(Math.min(ms, 50)) };

  interface Meddling {
    /** Runs after the n-th part, or before a small file is read, counted over all starts. */
    at(step: number): Promise<void>;
  }

  async function put(
    { at }: Meddling,
    giveUpAtMs = Number.POSITIVE_INFINITY,
    place: FileTask['place'] = { prefix: '', key: 'file' },
  ) {
    const calls: string[] = [];
    let parts: Buffer[] = [];
    let steps = 0;
    const dependencies: PutDependencies = {
      writer: {
        async write({ bytes }) {
          calls.push('write');
          parts = [Buffer.from(bytes)];
          return { etag: '"e"', bytes: bytes.length };
        },
        recognise: async () => undefined,
      },
      uploads: {
        exists: async () => false,
        async begin() {
          calls.push('begin');
          parts = [];
          return 'u';
        },
        async send(_, __, { number, bytes }) {
          parts[number - 1] = Buffer.from(bytes);
          const part: SentPart = { number, etag: '"e"', checksum: 'AAAAAA==', bytes: bytes.length };
          await at(++steps);
          return part;
        },
        async complete() {
          calls.push('complete');
          return { etag: '"e-3"', bytes: Buffer.concat(parts).length };
        },
        recognise: async () => undefined,
        async abort() {
          calls.push('abort');
        },
      },
      rateLimiter: {
        groupOf: (bucket) => bucket,
        pass: async () => ({ kind: 'passed' }),
        observe: () => undefined,
      },
      clock,
      descriptors: { open: (open) => open() },
      fileClock: clock,
      random: createRandom(1),
      memory: {
        ...createBudget(1),
        async hold(amount, use) {
          // Of a small file it is asked before it is read.
          if (amount < MIB) await at(++steps);
          return await use();
        },
      },
    };
    const report = await putFile(
      dependencies,
      {
        path: file,
        name: 'file',
        place,
        giveUpAtMs,
        attempts: 0,
        putBack: 0,
      },
      { bucket: 'b', spread: 'off', ifExists: 'overwrite', attributes: {} },
      {
        stopAtMs: Number.POSITIVE_INFINITY,
        inPlaceMs: 1_000,
        budget: { retries: 100 },
        cutOff: new AbortController().signal,
      },
    );
    return { report, calls, stored: Buffer.concat(parts) };
  }

  const nextVersion = async (letter: string) => {
    const { size } = await stat(file);
    await overwrite(letter.repeat(size));
  };

  it.each([
    { place: { prefix: '', key: 'soap' }, says: /the key is "soap"/ },
    { place: { prefix: 'a/', key: '../../x' }, says: /more "\.\." segments/ },
  ])('under a key that S3 refuses fails by name, and sends nothing: $place', async ({ place, says }) => {
    const { report, calls } = await put({ at: async () => undefined }, undefined, place);
    expect(report.end).toMatchObject({
      kind: 'failed',
      code: 'KeyRefused',
      message: expect.stringMatching(says),
    });
    expect(calls).toEqual([]);
  });

  it('in parts begins again once, and stores one version', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls, stored } = await put({
      at: async (step) => {
        if (step === 2) await nextVersion('B');
      },
    });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 1 + 3 + 1 + 3 + 1 });
    expect(calls).toEqual(['begin', 'abort', 'begin', 'complete']);
    expect(stored.equals(Buffer.alloc(17 * MIB, 'B'))).toBe(true);
  });

  it('in parts fails as FileChanged where it changes again, with no upload left open', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls } = await put({
      at: async (step) => {
        if (step % 3 === 2) await nextVersion(String(step % 10));
      },
    });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'FileChanged' } });
    expect(calls).toEqual(['begin', 'abort', 'begin', 'abort']);
  });

  it('in parts is not begun again for a chmod', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls } = await put({ at: () => chmod(file, 0o600) });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls).toEqual(['begin', 'complete']);
  });

  const gone = () =>
    Object.assign(new Error('The upload does not exist'), {
      name: 'NoSuchUpload',
      $metadata: { httpStatusCode: 404 },
    });

  it('in parts begins again where S3 has lost the upload', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls, stored } = await put({
      at: async (step) => {
        // The last part of the first upload, the first of the second.
        if (step === 3 || step === 4) throw gone();
      },
    });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
    expect(calls).toEqual(['begin', 'abort', 'begin', 'abort', 'begin', 'complete']);
    expect(stored.equals(Buffer.alloc(17 * MIB, 'A'))).toBe(true);
  });

  it('in parts fails where S3 loses every upload, and says what may be the cause', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls } = await put({ at: () => Promise.reject(gone()) });
    expect(report).toMatchObject({
      end: {
        kind: 'failed',
        code: 'NoSuchUpload',
        message: expect.stringMatching(/4 times.*lifecycle rule/),
      },
    });
    expect(calls).toEqual(Array.from({ length: 4 }, () => ['begin', 'abort']).flat());
  });

  it('in parts counts lost uploads apart from changes', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    let begun = 0;
    const { report } = await put({
      at: async (step) => {
        if (step % 3 !== 1) return;
        begun++;
        if (begun === 2) await nextVersion('B');
        else if (begun < 5) throw gone();
      },
    });
    expect(report).toMatchObject({ end: { kind: 'stored' } });
  });

  it('in parts is not begun again once its time is over', async () => {
    await writeFile(file, Buffer.alloc(17 * MIB, 'A'));
    const { report, calls } = await put({ at: () => Promise.reject(gone()) }, systemClock.now());
    expect(report).toMatchObject({ end: { kind: 'failed' } });
    expect(calls).toEqual(['begin', 'abort']);
  });

  it('at once is read again, and stored in one version', async () => {
    const { report, calls, stored } = await put({
      at: async (step) => {
        if (step === 1) await appendFile(file, ' and more');
      },
    });
    expect(report).toMatchObject({ end: { kind: 'stored' }, attempts: 1 });
    expect(calls).toEqual(['write']);
    expect(String(stored)).toBe('contents and more');
  });

  it('at once fails as FileChanged where it changes again, and nothing is sent', async () => {
    const { report, calls } = await put({ at: () => appendFile(file, '!') });
    expect(report).toMatchObject({ end: { kind: 'failed', code: 'FileChanged' }, attempts: 0 });
    expect(calls).toEqual([]);
  });
});
