// Why a copy's source is missing where its key was taken from a list of URL-encoded keys.
import type { Fault } from '../aws/classify.ts';
import { boundedText, boundedWithTail } from '../text/bounded.ts';
import { visibleText } from '../text/visible.ts';
import type { ObjectWrite } from './transfer.ts';

const ENCODED = /(?:%[0-9A-Fa-f]{2})+/g;
/** Bytes of the decoded key that a message shows. */
const SHOWN_KEY_BYTES = 200;
const MISSING = new Set(['NoSuchKey', 'NoSuchVersion']);

/** The fault's message; of a missing source whose key looks URL-encoded, with what to do. */
export function messageOfMissing({ code, message }: Fault, { source }: Pick<ObjectWrite, 'source'>): string {
  if (source.kind !== 's3' || !MISSING.has(code) || !looksEncoded(source.key)) return message;
  const raw = decodedKey(source.key);
  const shown = raw === undefined ? '' : `: here perhaps ${boundedText(visibleText(raw), SHOWN_KEY_BYTES)}`;
  const hint = `; the key of its source looks URL-encoded, as those of S3 Inventory and Batch Operations manifests are; Spillway's manifests hold raw keys${shown}`;
  return boundedWithTail(message.replace(/\.$/, ''), hint);
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
