// A destination means one thing to all that read it: a job's options, `put`, and `spillway key`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, type ObjectPlace, parseDestination, placeOf } from '../../cli/put/destination.ts';
import { type JobOptions, parseFrozenOptions, parseJobOptions } from '../../shared/job/options.ts';
import { faultOfPath, folderPrefix } from '../../shared/keys/destination.ts';
import { destinationOf } from '../../shared/keys/destination-key.ts';
import { destinationKey, parseSpread } from '../../shared/keys/spread.ts';

const BUCKET = 'some-bucket';
/** Printable ASCII, which a job's metadata carries. */
const name = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 })
  .filter((text) => !text.includes('/') && text !== '.' && text !== '..');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const spread = fc.constantFrom('off', 'binary', 'hex:3');

function optionsOf(destination: string, how: string): JobOptions {
  const parsed = parseJobOptions({ destination, spread: how }, [BUCKET]);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.options;
}

/** By the formula that programs use too. */
function keyBehind(prefix: string, key: string, how: string): string {
  const parsed = parseSpread(how);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return destinationKey(key, parsed.spread, prefix);
}

const put = (place: ObjectPlace, how: string) => addressOf(place, { bucket: BUCKET, spread: how });

describe('a destination', () => {
  it('is the same folder with and without its closing slash, for a job, for put and for key', () => {
    fc.assert(
      fc.property(path, path, spread, (folder, key, how) => {
        const expected = { bucket: BUCKET, key: keyBehind(`${folder}/`, key, how) };
        for (const text of [`s3://${BUCKET}/${folder}`, `s3://${BUCKET}/${folder}/`]) {
          expect(destinationOf({ key }, optionsOf(text, how))).toEqual(expected);
          expect(put(placeOf(parseDestination(text), { key, isOnly: false }), how)).toEqual(expected);
        }
        expect(keyBehind(folderPrefix(folder), key, how)).toBe(expected.key);
      }),
    );
  });

  it('names the only file as if that file had the name and the folder were given, however it is spread', () => {
    fc.assert(
      fc.property(path, name, name, spread, (folder, last, local, how) => {
        const named = placeOf(parseDestination(`s3://${BUCKET}/${folder}/${last}`), {
          key: local,
          isOnly: true,
        });
        const renamed = placeOf(parseDestination(`s3://${BUCKET}/${folder}/`), { key: last, isOnly: true });
        expect(put(named, how)).toEqual(put(renamed, how));
        expect(put(named, 'off').key).toBe(`${folder}/${last}`);
      }),
    );
  });

  it('is taken by put and refused by put where a job takes and refuses it', () => {
    const odd = fc.array(fc.constantFrom('a', 'b c', '', '.', '..', '...', '%2e', '\\'), { maxLength: 5 });
    fc.assert(
      fc.property(odd, (names) => {
        const text = `s3://${BUCKET}/${names.join('/')}`;
        const job = parseJobOptions({ destination: text }, [BUCKET]);
        const parse = () => parseDestination(text);
        if (job.kind === 'valid') expect(parse()).toMatchObject({ bucket: BUCKET });
        else expect(parse).toThrow(faultOfPath(names.join('/')) ?? 'nothing is wrong with it');
      }),
    );
  });

  it('of a job is what its redrive reads, however often it is redriven', () => {
    fc.assert(
      fc.property(fc.oneof(path, path.map(folderPrefix)), (prefix) => {
        const parsed = parseJobOptions({ destination: `s3://${BUCKET}/${prefix}` }, [BUCKET]);
        if (parsed.kind === 'invalid') throw new Error(parsed.message);
        // As it is now, and as a job from before froze it.
        for (const options of [
          parsed.options,
          { ...parsed.options, destination: { bucket: BUCKET, prefix } },
        ]) {
          const once = parseFrozenOptions(options, [BUCKET]);
          expect(once).toEqual({ kind: 'valid', options });
        }
      }),
    );
  });
});
