// What manifest.json of a report says of its files, for those who read one.
import * as z from 'zod/mini';

const count = z.int().check(z.nonnegative());

export const reportText = z.looseObject({
  version: z.literal(1),
  files: z.array(
    z.looseObject({
      kind: z.enum(['succeeded', 'failed', 'rejected']),
      key: z.string(),
      rows: count,
      bytes: count,
      sha256: z.string(),
    }),
  ),
});
