// Bodies of the embedded S3 on disk: cut, joined and held, and what is left of them: nothing.
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  fileError,
  holdBody,
  joinBodies,
  letGoOfBody,
  memoryBody,
  type ObjectBody,
  readBody,
  sliceBody,
} from '../../local/aws/s3/object-body.ts';
import { createSpool, MAX_BYTES_IN_MEMORY } from '../../local/aws/s3/spool.ts';
import { claimSpoolFolder } from '../../local/aws/s3/spool-folder.ts';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const noLeftOver = (error: Error) => {
  throw error;
};
let parent: string;

beforeEach(async () => {
  parent = await folderOfTest();
});

async function onDisk(bytes: Buffer): Promise<ObjectBody> {
  const sink = await createSpool(path.join(parent, `spool-${bytes.length}`), noLeftOver).sinkFor(
    MAX_BYTES_IN_MEMORY + 1,
  );
  await sink.write(bytes);
  return await sink.finish();
}

async function bytesOf(body: ObjectBody): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(readBody(body)));
}

describe('a body', () => {
  it('gives the same bytes as one buffer, joined and cut, in memory and on disk', async () => {
    const pieces = ['', 'abc', 'defghij', 'k'].map((text) => Buffer.from(text));
    const mixed = joinBodies([
      memoryBody(pieces[0] as Buffer),
      memoryBody(pieces[1] as Buffer),
      await onDisk(pieces[2] as Buffer),
      memoryBody(pieces[3] as Buffer),
    ]);
    const whole = Buffer.concat(pieces);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(whole.length), async (one, other) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        const slice = sliceBody(mixed, start, end);
        expect(slice.sizeBytes).toBe(end - start);
        expect((await bytesOf(slice)).toString()).toBe(whole.toString('utf8', start, end));
      }),
    );
  });

  it('keeps its file as long as anyone holds it', async () => {
    const body = await onDisk(Buffer.from('bytes'));
    const view = holdBody(sliceBody(body, 1, 3));
    letGoOfBody(body);
    expect((await bytesOf(view)).toString()).toBe('yt');
    letGoOfBody(view);
    await vi.waitFor(async () => expect(await readdir(path.join(parent, 'spool-5'))).toEqual([]));
  });
});

describe('a file that can not be opened', () => {
  it.each(['EMFILE', 'ENFILE'])('asks to try again later for %s', (code) => {
    expect(fileError(Object.assign(new Error(code), { code }))).toMatchObject({
      code: 'ServiceUnavailable',
      statusCode: 503,
    });
  });

  it('is a failure for any other reason', () => {
    const error = Object.assign(new Error('gone'), { code: 'ENOENT' });
    expect(fileError(error)).toBe(error);
  });
});

describe('the spool', () => {
  it('leaves nothing of a body that is given up', async () => {
    const folder = path.join(parent, 'spool');
    const sink = await createSpool(folder, noLeftOver).sinkFor(MAX_BYTES_IN_MEMORY + 1);
    await sink.write(Buffer.from('half'));
    await sink.discard();
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps small bodies in memory, and makes no folder for them', async () => {
    const sink = await createSpool(path.join(parent, 'spool'), noLeftOver).sinkFor(MAX_BYTES_IN_MEMORY);
    await sink.write(Buffer.from('small'));
    expect((await bytesOf(await sink.finish())).toString()).toBe('small');
    expect(await readdir(parent)).toEqual([]);
  });

  it('says where it can write nothing, as an error of S3', async () => {
    const file = path.join(parent, 'file');
    await writeFile(file, '');
    const spool = createSpool(path.join(file, 'below'), noLeftOver);
    await expect(spool.sinkFor(MAX_BYTES_IN_MEMORY + 1)).rejects.toMatchObject({
      code: 'InternalError',
      statusCode: 500,
      message: expect.stringContaining(file),
    });
  });
});

describe('the folder of the spool', () => {
  it('is removed at its end, and after a crash by the next cloud, which leaves others alone', async () => {
    const dead = await claimSpoolFolder({ parent });
    await mkdir(dead.path);
    const name = path.basename(dead.path).replace(String(process.pid), '4000001');
    const running = name.replace('4000001', '4000002');
    await mkdir(path.join(parent, name));
    await mkdir(path.join(parent, running));
    await mkdir(path.join(parent, 'spillway-s3-other'));
    await writeFile(path.join(parent, 'kept'), 'kept');
    const linked = name.replace('4000001', '4000003');
    await symlink(parent, path.join(parent, linked));

    const own = await claimSpoolFolder({ parent, isRunning: (pid) => pid === 4_000_002 });
    expect((await readdir(parent)).toSorted()).toEqual(
      [path.basename(dead.path), running, linked, 'spillway-s3-other', 'kept'].toSorted(),
    );
    expect(await readFile(path.join(parent, 'kept'), 'utf8')).toBe('kept');
    await own.remove();
    await dead.remove();
    expect(await readdir(parent)).not.toContain(path.basename(dead.path));
  });
});
