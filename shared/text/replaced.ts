// Text in which bytes that were not UTF-8 may have been replaced by U+FFFD.
//
// Such a U+FFFD looks like one that was sent, and lengths don't help: F0 9F 98 is replaced by as many bytes. So each becomes a
// byte that is not UTF-8 again. The row with it is then rejected, as it would be in the inbox. Otherwise the object would have
// another name or content.

const REPLACEMENT = '\ufffd';
/** A byte that no UTF-8 text contains. */
const NOT_UTF8 = Buffer.from([0xff]);

export function holdsReplaced(text: string): boolean {
  return text.includes(REPLACEMENT);
}

/** The text in UTF-8, with an invalid byte for each U+FFFD. */
export function bytesOfText(text: string): Buffer {
  if (!holdsReplaced(text)) return Buffer.from(text);
  const parts = text.split(REPLACEMENT).flatMap((part) => [NOT_UTF8, Buffer.from(part)]);
  return Buffer.concat(parts.slice(1));
}
