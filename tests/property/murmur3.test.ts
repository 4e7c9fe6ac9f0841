// The project's own murmur3 is that of a known package, for bytes of any value and length.
import fc from 'fast-check';
import murmurHash3 from 'murmurhash3js-revisited';
import { it } from 'vitest';
import { murmur3 } from '../../shared/keys/murmur3.ts';
import { assertReplayable } from '../helpers/replayable.ts';

const bytes = fc.uint8Array({ maxLength: 64, size: 'max' });

it('hashes any bytes as murmurhash3js-revisited does', async () => {
  const property = fc.property(
    bytes,
    (given) => murmur3(Buffer.from(given)) === murmurHash3.x86.hash32(given),
  );
  await assertReplayable(property, { numRuns: 2_000 });
});
