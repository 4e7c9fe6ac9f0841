// Keys as S3 writes them into lists and notifications: encoded as forms are, where a space is + and a plus sign %2B.

/** @returns undefined where a percent sign begins no escape, or the escapes are not UTF-8 */
export function decodedKey(encoded: string): string | undefined {
  const spaced = encoded.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined;
  }
}
