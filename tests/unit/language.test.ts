// Words that a reader would have to look up stay out of all tracked text: code, comments, docs and tests.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Each is cut by a dot, or this list would hold itself back. */
const WORDS = [
  ...['an.ew', 'who.ever', 'le.st', 'there.by', 'there.of', 'be.fall', 'be.falls', 'rec.kon', 'rec.kons'],
  ...[
    'rec.koned',
    'hi.ther',
    'when.ce',
    'turn.stile',
    'home.less',
    'blocks-.anyhow',
    'close-.out',
    'make.Way',
  ],
].map((word) => word.replace('.', ''));

it.skipIf(!existsSync(`${ROOT}/.git`))('no tracked text holds a word that has to be looked up', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  const word = new RegExp(`(?<![\\p{L}\\d_])(${WORDS.join('|')})(?![\\p{L}\\d_])`, 'iu');
  const found = files
    .filter((file) => file !== '' && file !== 'package-lock.json' && existsSync(`${ROOT}/${file}`))
    .flatMap((file) =>
      readFileSync(`${ROOT}/${file}`, 'utf8')
        .split('\n')
        .flatMap((text, index) => {
          const [hit] = word.exec(text) ?? [];
          return hit === undefined ? [] : [`${file}:${index + 1}: ${hit}`];
        }),
    );
  expect(found).toEqual([]);
});
