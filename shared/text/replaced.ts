// Text in which bytes that were not UTF-8 may have been replaced by U+FFFD.
//
// Such a U+FFFD can't be told from one that was sent, not even by lengths: F0 9F 98 is replaced by as many bytes as it has. So each
// is made a byte again that is not UTF-8. The row that holds it is then rejected, as it is when it comes through the inbox: stored,
// it would be an object of another name or content.

const REPLACEMENT = '\ufffd';
/** In no UTF-8. */
const NOT_UTF8 = Buffer.from([0xff]);

export function holdsReplaced(text: string): boolean {
  return text.includes(REPLACEMENT);
}

/** UTF-8, but a byte that is none for each U+FFFD. */
export function bytesOfText(text: string): Buffer {
  if (!holdsReplaced(text)) return Buffer.from(text);
  const parts = text.split(REPLACEMENT).flatMap((part) => [NOT_UTF8, Buffer.from(part)]);
  return Buffer.concat(parts.slice(1));
}
