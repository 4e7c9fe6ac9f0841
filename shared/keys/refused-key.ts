// Keys that S3 refuses in a URL, after prefix and spread: told by name, where S3 answers 400 without a word.
//
// - `soap` alone: "aren't supported for virtual-hosted-style requests"
// - `..` segments that lead out of the bucket: read from the left, there are never more of them than of other segments
//
// (S3 user guide, "Naming Amazon S3 objects".) Both are legal behind a folder or a spread: `a/soap`, `a/../b`.

/** @returns what is wrong and what to do, to follow a key's name; undefined for a key that S3 takes */
export function faultOfKey(key: string): string | undefined {
  if (key === 'soap')
    return 'is "soap", which S3 refuses in its URLs: write it under another name, into a folder, or with a spread';
  if (key.includes('..') && leadsOut(key))
    return 'has more ".." segments than segments before them, which S3 refuses: write it without them';
  return undefined;
}

function leadsOut(key: string): boolean {
  let depth = 0;
  for (const name of key.split('/')) {
    if (name === '..') depth -= 1;
    else if (name !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
