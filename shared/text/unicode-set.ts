// Patterns with sets of Unicode (`\p{…}`), made when they are first used.
//
// V8 resolves such sets when it parses a literal, also in functions that are never called: a millisecond of every cold start.
import { onFirstUse } from '../time/on-first-use.ts';

/** @param pattern as text that is no literal's: a template with String.raw, which bundlers leave as it is */
export function unicodeSet(pattern: string, flags: string): () => RegExp {
  return onFirstUse(() => new RegExp(pattern, flags));
}
