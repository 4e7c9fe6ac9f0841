// The catalogue of log messages: every line that a function writes is in it, once.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LOG } from '../../functions/runtime/log-messages.ts';

const FUNCTIONS = new URL('../../functions/', import.meta.url);
const source = readdirSync(FUNCTIONS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('log-messages.ts'))
  .map((file) => readFileSync(new URL(file.replaceAll('\\', '/'), FUNCTIONS), 'utf8'))
  .join('\n');

it.each(Object.entries(LOG))('the message %s is written somewhere, under no other name', (name, text) => {
  expect(source).toMatch(new RegExp(`\\bLOG\\.${name}\\b`));
  expect(Object.values(LOG).filter((other) => other === text)).toHaveLength(1);
});

it('no function writes a line with a text of its own', () => {
  const lines = [...source.matchAll(/logger\.\w+\(\s*([^,)]*)/g)].map(([, message = '']) => message);
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((message) => !/^(LOG\.\w+|failure)$/.test(message))).toEqual([]);
});
