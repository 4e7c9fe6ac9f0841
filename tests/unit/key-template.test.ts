// Key templates: what each placeholder stands for, what is refused, and that every row gets a key or a named reason.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJobOptions } from '../../shared/job/options.ts';
import { createLocator, type DestinationOptions, destinationOf } from '../../shared/keys/destination-key.ts';
import { makeKey, parseKeyTemplate, type TemplateRow } from '../../shared/keys/key-template.ts';
import { parseItem } from '../../shared/manifest/columns.ts';
import { codePoint } from '../helpers/outside-values.ts';

function make(template: string, row: TemplateRow | string, strip: { prefix?: string; suffix?: string } = {}) {
  const parsed = parseKeyTemplate(template);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return makeKey(typeof row === 'string' ? { key: row } : row, {
    template: parsed.template,
    stripPrefix: strip.prefix ?? '',
    stripSuffix: strip.suffix ?? '',
  });
}
const key = (made: string) => ({ kind: 'key', key: made });
const fault = (code: string) => ({ kind: 'fault', fault: { code } });

describe('a template', () => {
  it.each([
    ['{key}', 'a/b.txt', 'a/b.txt'],
    ['x/{key}.bak', 'a/b.txt', 'x/a/b.txt.bak'],
    ['{dir}/{name}', 'a/b/c.txt', 'a/b/c.txt'],
    ['{dir}/{name}', 'c.txt', 'c.txt'],
    ['{dir}/{name}', '/c.txt', '/c.txt'],
    ['{dir}/{name}', 'a//', 'a//'],
    ['x/{dir}/{name}', 'c.txt', 'x/c.txt'],
    ['{dir}-{name}', 'c.txt', '-c.txt'],
    ['{stem}{ext}', 'a/c.tar.gz', 'c.tar.gz'],
    ['{stem}', 'a/c.tar.gz', 'c.tar'],
    ['{name}{ext}', 'a/.bashrc', '.bashrc'],
    ['{stem}_{ext}', 'a.b/c', 'c_'],
    ['{hash}/{name}', 'images/1.png', '80368052/1.png'],
    ['{{{key}}}', 'a', '{a}'],
    ['{{key}}/{key}', 'a', '{key}/a'],
  ])('%s makes of %s the key %s', (template, from, made) => {
    expect(make(template, from)).toEqual(key(made));
  });

  it('takes columns of a manifest, and those that it alone knows', () => {
    const row = { key: 'k', size: 12, spillway_columns: { album: 'summer', size: '7' } };
    expect(make('{column:album}/{column:key}', row)).toEqual(key('summer/k'));
    expect(make('{column:size}', { key: 'k', size: 12 })).toEqual(key('12'));
  });

  it.each(['constructor', '__proto__', 'toString', 'spillway'])(
    'finds no column %s that a row inherits',
    (name) => {
      expect(make(`{column:${name}}`, { key: 'k', spillway_columns: {} })).toMatchObject(
        fault('TemplateColumnMissing'),
      );
      const own = Object.fromEntries([[name, 'v']]);
      expect(make(`{column:${name}}`, { key: 'k', spillway_columns: own })).toEqual(key('v'));
    },
  );

  it('sees the key without what is stripped, but for its hash', () => {
    const strip = { prefix: '2019/', suffix: '.png' };
    expect(make('{key}.jpg', '2019/a/1.png', strip)).toEqual(key('a/1.jpg'));
    expect(make('{dir}/{name}{hash}', '2019/1.png', strip)).toEqual(make('1{hash}', '2019/1.png'));
    expect(make('{key}', '2020/1.png', strip)).toMatchObject(fault('AffixMissing'));
    expect(make('{key}', '2019/1.gif', strip)).toMatchObject(fault('AffixMissing'));
    // The two may not share characters of the key.
    expect(make('{key}', 'aba', { prefix: 'ab', suffix: 'ba' })).toMatchObject(fault('AffixMissing'));
  });

  it('makes no empty key', () => {
    expect(make('{ext}', 'a/b')).toMatchObject(fault('KeyEmpty'));
    expect(make('{key}', '2019/', { prefix: '2019/' })).toMatchObject(fault('KeyEmpty'));
  });

  it.each([
    ['{nmae}', /\{nmae\} is no placeholder: there are \{key\}, .*\{column:NAME\}/],
    ['{}', /\{\} is no placeholder/],
    ['{column:}', /names no column/],
    ['{key', /a "\{" stands alone: write "\{\{"/],
    ['key}', /a "\}" stands alone/],
    ['', /names no part of the row.*add \{key\}/],
    ['constant', /every row would have the same key/],
    ['{a}{b}{', /\{a\} is.*\{b\} is.*stands alone/],
    [`{key}${'x'.repeat(600)}`, /605 characters, and may have 512/],
  ])('%s is refused with what is wrong', (template, message) => {
    expect(parseKeyTemplate(template)).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(message),
    });
    const options = parseJobOptions({ 'key-template': template }, ['bucket']);
    expect(options).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/^key-template: /) });
  });

  it.each([' {key}', '{key} ', '{key}\n', 'ü{key}'])(
    '%j is refused as an option: metadata changes it',
    (text) => {
      for (const name of ['key-template', 'strip-prefix', 'strip-suffix'])
        expect(parseJobOptions({ [name]: text }, ['bucket'])).toMatchObject({ kind: 'invalid' });
    },
  );

  it('can name no column that is not read', () => {
    const parsed = parseJobOptions({ 'key-template': '{column:spillway_code}' }, ['bucket']);
    expect(parsed).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/spillway_\* are not read/),
    });
  });
});

describe('every template', () => {
  const anyText = fc.string({ unit: codePoint, maxLength: 40 });
  const piece = fc.constantFrom(
    '{key}',
    '{dir}',
    '{name}',
    '{stem}',
    '{ext}',
    '{hash}',
    '{column:x}',
    '{',
    '}',
    '/',
    'a',
  );
  const anyTemplate = fc.oneof(
    anyText,
    fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('')),
  );

  it('is parsed or refused with a message, and never throws on a row', () => {
    fc.assert(
      fc.property(anyTemplate, anyText, anyText, anyText, (text, rowKey, x, affix) => {
        const parsed = parseKeyTemplate(text);
        if (parsed.kind === 'invalid') {
          expect(parsed.message).not.toBe('');
          return;
        }
        const rules = { template: parsed.template, stripPrefix: affix, stripSuffix: '' };
        for (const row of [{ key: rowKey }, { key: affix + rowKey, spillway_columns: { x } }]) {
          const made = makeKey(row, rules);
          expect(made).toEqual(makeKey(structuredClone(row), rules));
          if (made.kind === 'key') expect(made.key).not.toBe('');
          else expect(made.fault.message).not.toBe('');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('can be taken apart and put together again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '.', '/', 'ü'), { minLength: 1 }), (characters) => {
        const whole = characters.join('');
        expect(make('{dir}/{name}', whole)).toEqual(key(whole));
        expect(make('{dir}/{stem}{ext}', whole)).toEqual(key(whole));
      }),
    );
  });
});

describe('the destination', () => {
  const options: DestinationOptions = { destination: { bucket: 'b', prefix: 'p/' }, spread: 'hex:2' };

  it('has the spread of the key that the template makes', () => {
    const renamed = destinationOf({ key: 'old/a.csv' }, { ...options, keyTemplate: 'new/{name}' });
    expect(renamed).toEqual(destinationOf({ key: 'new/a.csv' }, options));
  });

  it('is a fault where the template gives none', () => {
    const locate = createLocator({ ...options, keyTemplate: '{column:x}' });
    expect(locate({ key: 'a' })).toMatchObject(fault('TemplateColumnMissing'));
    expect(() => destinationOf({ key: 'a' }, { ...options, keyTemplate: '{column:x}' })).toThrow(
      /column "x"/,
    );
  });
});

describe('the columns of a row beside its own', () => {
  const record = { key: 'k', text: 't' };
  it.each([
    [{ x: 7 }, 'WrongType', /column "x" is a number/],
    [{ x: '\ud800' }, 'UnfitCharacters', /column "x" holds/],
    [{ x: 'ü'.repeat(513) }, 'KeyTooLong', /1026 bytes/],
  ])('are refused with a code: %j', (columns, code, message) => {
    expect(parseItem(record, columns)).toEqual({
      kind: 'bad',
      faults: [{ code, message: expect.stringMatching(message) }],
    });
  });
});
