// A file that anything may happen to between the reads of its parts: what is taken as unchanged is one version of it.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openLocalFile } from '../../cli/put/local-file.ts';
import { systemClock } from '../../shared/time/clock.ts';

const PART_BYTES = 4;
const PARTS = 3;
const SIZE = PART_BYTES * PARTS;
const RUNS = 60;

/** To the file at the path; `replace` puts another one there. */
type Act =
  | { kind: 'nothing' | 'chmod' | 'touch' | 'link' | 'replace' | 'append' | 'truncate' }
  | { kind: 'overwrite'; at: number; byte: string; keepsTimes: boolean };

const harmless = fc.constantFrom<Act>(
  { kind: 'nothing' },
  { kind: 'chmod' },
  { kind: 'touch' },
  { kind: 'link' },
  { kind: 'replace' },
);
const harmful = fc.oneof(
  fc.constantFrom<Act>({ kind: 'append' }, { kind: 'truncate' }),
  fc.record<Act & { kind: 'overwrite' }>({
    kind: fc.constant('overwrite'),
    at: fc.nat(SIZE - 1),
    byte: fc.constantFrom('x', 'y'),
    keepsTimes: fc.boolean(),
  }),
);

/** One file, and all the contents that it had since it was opened. */
function createSubject() {
  const folder = mkdtempSync(path.join(tmpdir(), 'spillway-version-'));
  const file = path.join(folder, 'file');
  let content = 'a'.repeat(SIZE);
  let isReplaced = false;
  let links = 0;
  writeFileSync(file, content);
  const versions = new Set([content]);

  function act(one: Act): void {
    // What happens to the file that took its place does not concern the one that is open.
    switch (one.kind) {
      case 'chmod':
        chmodSync(file, 0o600);
        break;
      case 'touch':
        utimesSync(file, 1_000, 1_000);
        break;
      case 'link':
        linkSync(file, path.join(folder, `link-${links++}`));
        break;
      case 'replace':
        writeFileSync(path.join(folder, 'new'), 'another');
        renameSync(path.join(folder, 'new'), file);
        isReplaced = true;
        break;
      case 'overwrite': {
        const { atime, mtime } = statSync(file);
        const descriptor = openSync(file, 'r+');
        writeSync(descriptor, one.byte, one.at);
        closeSync(descriptor);
        if (one.keepsTimes) utimesSync(file, atime, mtime);
        if (!isReplaced) content = content.slice(0, one.at) + one.byte + content.slice(one.at + 1);
        break;
      }
      case 'append':
        appendFileSync(file, '!');
        if (!isReplaced) content += '!';
        break;
      case 'truncate':
        truncateSync(file, 1);
        if (!isReplaced) content = content.slice(0, 1);
    }
    versions.add(content);
  }

  return { file, versions, act, remove: () => rmSync(folder, { recursive: true }) };
}

async function readParts({ file, act }: ReturnType<typeof createSubject>, acts: readonly Act[]) {
  // The real clock, by which the file system stamps: a slow machine only gives the stamps more time to differ.
  const local = await openLocalFile(file, { clock: systemClock });
  try {
    let read = '';
    for (let part = 0; part < PARTS; part++) {
      read += String(await local.read(part * PART_BYTES, PART_BYTES));
      const next = acts[part];
      if (next !== undefined) act(next);
    }
    await local.assertUnchanged();
    return read;
  } catch (error) {
    expect(error).toMatchObject({ code: 'FileChanged' });
    return undefined;
  } finally {
    local.close();
  }
}

it('a file that is taken as unchanged was read in one of its versions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(harmless, harmful), { maxLength: PARTS }), async (acts) => {
      const subject = createSubject();
      const read = await readParts(subject, acts);
      if (read !== undefined) expect([...subject.versions]).toContain(read);
      subject.remove();
    }),
    { numRuns: RUNS },
  );
});

it('a file is taken as unchanged whatever happens to it but to its bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(harmless, { maxLength: PARTS }), async (acts) => {
      const subject = createSubject();
      expect(await readParts(subject, acts)).toBe('a'.repeat(SIZE));
      subject.remove();
    }),
    { numRuns: RUNS },
  );
});
