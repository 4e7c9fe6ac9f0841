// Why the source of a copy is missing where the row's key came from a list of URL-encoded keys.
import { boundedText, boundedWithTail } from '../../text/bounded.ts';
import { visibleText } from '../../text/visible.ts';
import type { RefusalMeaning } from '../../transfer/object-writer.ts';
import type { FinalFault } from '../../transfer/paced-request.ts';

const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g;
/** Bytes of the decoded key that a message shows. */
const SHOWN_KEY_BYTES = 200;
const MISSING = new Set(['NoSuchKey', 'NoSuchVersion']);

/** @returns undefined where the source is not missing, or its key does not look URL-encoded */
export function explainMissing(
  { kind, code, message }: FinalFault,
  { key }: { key: string },
): RefusalMeaning | undefined {
  if (kind !== 'permanent' || !MISSING.has(code) || !looksEncoded(key)) return undefined;
  const raw = decodedKey(key);
  const shown = raw === undefined ? '' : `: here perhaps ${boundedText(visibleText(raw), SHOWN_KEY_BYTES)}`;
  const hint = `; the key of its source looks URL-encoded, as those of S3 Inventory and Batch Operations manifests are; Spillway's manifests hold raw keys${shown}`;
  return { kind: 'failed', code, message: boundedWithTail(message.replace(/\.$/, ''), hint) };
}

/** Whether some %XX in it stands for a character. A key may hold a percent sign of its own: `100%.txt`. */
function looksEncoded(key: string): boolean {
  return key.match(ENCODED)?.some((run) => decoded(run) !== undefined) === true;
}

/** Form encoding has `+` for a space (Inventory); where spaces are `%20`, a plus is a plus. */
function decodedKey(key: string): string | undefined {
  return decoded(key.includes('%20') ? key : key.replaceAll('+', ' '));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
