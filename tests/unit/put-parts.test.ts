// What `spillway put` is made of: what is held at once, what is left to do, and where it goes.
import { describe, expect, it } from 'vitest';
import { contentTypeOf } from '../../cli/put/content-type.ts';
import { parseDestination, placeOf } from '../../cli/put/destination.ts';
import { createWorkList } from '../../cli/put/work-list.ts';
import { createBudget } from '../../shared/transfer/budget.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

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

  it('lets a wait be cut off, which lets those behind it in', async () => {
    const budget = createBudget(10);
    const release = await budget.take(6);
    const cutOff = new AbortController();
    const large = budget.take(8, cutOff.signal);
    const small = budget.take(4);
    cutOff.abort(new Error('enough'));
    await expect(large).rejects.toThrow('enough');
    (await small)();
    release();
    expect(budget.held()).toBe(0);
    await expect(budget.take(1, cutOff.signal)).rejects.toThrow('enough');
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
  const folder = { key: 'a/b.csv', isOnly: false };
  const only = { key: 'b.csv', isOnly: true };
  it.each([
    { text: 's3://b', file: folder, place: { prefix: '', key: 'a/b.csv' } },
    { text: 's3://b/', file: folder, place: { prefix: '', key: 'a/b.csv' } },
    { text: 's3://b/p', file: folder, place: { prefix: 'p/', key: 'a/b.csv' } },
    { text: 's3://b/p/', file: folder, place: { prefix: 'p/', key: 'a/b.csv' } },
    { text: 's3://b', file: only, place: { prefix: '', key: 'b.csv' } },
    { text: 's3://b/', file: only, place: { prefix: '', key: 'b.csv' } },
    { text: 's3://b/2026/', file: only, place: { prefix: '2026/', key: 'b.csv' } },
    { text: 's3://b/2026/final.csv', file: only, place: { prefix: '2026/', key: 'final.csv' } },
    { text: 's3://b/final.csv', file: only, place: { prefix: '', key: 'final.csv' } },
  ])('$text has the place $place for the file $file', ({ text, file, place }) => {
    expect(placeOf(parseDestination(text), file)).toEqual(place);
  });

  it.each(['b/p', 's3://', 's3:///p', 'https://b'])('%s is refused', (text) => {
    expect(() => parseDestination(text)).toThrow('is not s3://BUCKET/PREFIX');
  });

  it.each([
    { text: 's3://b//p', says: 'has an empty name' },
    { text: 's3://b//', says: 'has an empty name' },
    { text: 's3://b/p//', says: 'has an empty name' },
    { text: 's3://b/p/../q', says: 'has the name ".."' },
    { text: 's3://b/./q', says: 'has the name "."' },
    { text: 's3://b/caf\ufffd', says: 'is not UTF-8' },
    { text: `s3://b/${'ü'.repeat(450)}`, says: 'has 901 bytes: it takes up to 900' },
  ])('$text is refused: $says', ({ text, says }) => {
    expect(() => parseDestination(text)).toThrow(says);
  });
});

describe('a content type', () => {
  it.each([
    { name: 'site/index.html', type: 'text/html' },
    { name: 'PHOTO.JPG', type: 'image/jpeg' },
    { name: 'app.mjs', type: 'text/javascript' },
    { name: 'a/logo.svg', type: 'image/svg+xml' },
    { name: 'book.xlsx', type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet' },
    { name: 'favicon.ico', type: 'image/vnd.microsoft.icon' },
    { name: 'page.html.gz', type: 'application/gzip' },
    { name: 'html', type: 'application/octet-stream' },
    { name: '.html', type: 'application/octet-stream' },
    { name: 'a.html/data', type: 'application/octet-stream' },
    { name: 'x.__proto__', type: 'application/octet-stream' },
    { name: 'x.constructor', type: 'application/octet-stream' },
    { name: 'x.', type: 'application/octet-stream' },
    { name: 'line\nbreak.txt', type: 'text/plain' },
  ])('of $name is $type', ({ name, type }) => {
    expect(contentTypeOf(name, name)).toBe(type);
  });

  it("goes by the file's name before its key's", () => {
    expect(contentTypeOf('index.html', 'home')).toBe('text/html');
    expect(contentTypeOf('out', 'index.html')).toBe('text/html');
    expect(contentTypeOf('index.html', 'data.json')).toBe('text/html');
  });
});
