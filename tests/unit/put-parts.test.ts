// What `spillway put` is made of: files that change under it, what is held at once, and what is left to do.
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBudget } from '../../cli/put/budget.ts';
import { parseDestination } from '../../cli/put/destination.ts';
import { openLocalFile } from '../../cli/put/local-file.ts';
import { createWorkList } from '../../cli/put/work-list.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

describe('a local file', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'spillway-local-'));
    file = path.join(folder, 'file');
    await writeFile(file, 'contents');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is read from any place, and is what it was', async () => {
    const opened = await openLocalFile(file);
    expect(opened.sizeBytes).toBe(8);
    expect(String(await opened.read(3, 5))).toBe('tents');
    opened.assertUnchanged();
    opened.close();
    opened.close();
  });

  it('that vanished is told by its code', async () => {
    await expect(openLocalFile(path.join(folder, 'gone'))).rejects.toMatchObject({ code: 'FileMissing' });
  });

  it('that grew or shrank since it was opened is told', async () => {
    const opened = await openLocalFile(file);
    await appendFile(file, '!');
    expect(() => opened.assertUnchanged()).toThrow(expect.objectContaining({ code: 'FileChanged' }));
    await expect(opened.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    await truncate(file, 2);
    await expect(opened.read(0, 8)).rejects.toMatchObject({ code: 'FileChanged' });
    await expect(opened.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    opened.close();
  });

  it.each([0, 1, 70_000])('of %i bytes is read as a whole', async (size) => {
    await writeFile(file, Buffer.alloc(size, 'x'));
    const opened = await openLocalFile(file);
    expect((await opened.readWhole()).equals(Buffer.alloc(size, 'x'))).toBe(true);
    opened.close();
  });

  it.skipIf(!existsSync('/proc/version'))('that says it is empty and is not is told', async () => {
    const opened = await openLocalFile('/proc/version');
    expect(opened.sizeBytes).toBe(0);
    await expect(opened.readWhole()).rejects.toMatchObject({ code: 'FileChanged' });
    opened.close();
  });
});

describe('a budget', () => {
  it('holds no more than its bound, first come, first served, and lets one that is larger be alone', async () => {
    const budget = createBudget(10);
    const order: string[] = [];
    let most = 0;
    const hold = (name: string, amount: number) =>
      budget.hold(amount, async () => {
        order.push(name);
        most = Math.max(most, budget.held());
        await Promise.resolve();
      });
    await Promise.all([hold('a', 6), hold('large', 99), hold('b', 4), hold('c', 6)]);
    expect(order).toEqual(['a', 'large', 'b', 'c']);
    expect(most).toBe(99);
    expect(budget.held()).toBe(0);
  });

  it('is given back where the use fails', async () => {
    const budget = createBudget(1);
    await expect(budget.hold(1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(budget.held()).toBe(0);
  });
});

describe('the work list', () => {
  async function* numbers(upTo: number) {
    for (let number = 1; number <= upTo; number++) yield number;
  }

  it('hands out what was put back once it is due, before what is new', async () => {
    const clock = createVirtualClock();
    const list = createWorkList(numbers(3), clock);
    expect(await list.take()).toBe(1);
    list.putBack(1, 1_000);
    expect(await list.take()).toBe(2);
    await clock.sleep(1_000);
    expect(await list.take()).toBe(1);
    expect(await list.take()).toBe(3);
    list.putBack(3, 5_000);
    const before = clock.now();
    expect(await list.take()).toBe(3);
    expect(clock.now() - before).toBe(5_000);
    expect(await list.take()).toBeUndefined();
  });

  it('takes nothing new up while very many wait', async () => {
    const clock = createVirtualClock();
    const list = createWorkList(numbers(20_000), clock);
    const taken = new Set<number>();
    for (let count = 0; count < 15_000; count++) {
      const next = await list.take();
      if (next === undefined) break;
      taken.add(next);
      list.putBack(next, 60_000);
    }
    expect(taken.size).toBe(10_000);
  });

  it('hands out nothing once it is closed', async () => {
    const list = createWorkList(numbers(3), createVirtualClock());
    list.close();
    expect(await list.take()).toBeUndefined();
  });
});

describe('a destination', () => {
  it.each([
    ['s3://b', { bucket: 'b', prefix: '' }],
    ['s3://b/', { bucket: 'b', prefix: '' }],
    ['s3://b/p/q', { bucket: 'b', prefix: 'p/q/' }],
    ['s3://b/p/', { bucket: 'b', prefix: 'p/' }],
  ])('%s is read', (text, destination) => {
    expect(parseDestination(text)).toEqual(destination);
  });

  it.each(['b/p', 's3://', 's3:///p', 'https://b'])('%s is refused', (text) => {
    expect(() => parseDestination(text)).toThrow('is not s3://BUCKET/PREFIX');
  });
});
