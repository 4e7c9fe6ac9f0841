// What a destination means: s3://BUCKET/PATH, the same in a job's options, in `put` and in `key`.
//
//   folder   PATH with or without a closing `/`: every key begins with `PATH/`
//   object   PATH without a closing `/`, where `put` is given one file: PATH is that file's key
//
// Names are taken as they are: nothing is percent-decoded, trimmed or folded.

/** S3's limit on a key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;
/**
 * Bytes of PATH, a folder's closing slash included. A job's destination travels in S3's user metadata, which has 2 KB in
 * all; and the spread and the row's own key need some of a key's bytes.
 */
export const MAX_PATH_BYTES = 900;

/** What the decoder of a command line or a header writes where bytes were not UTF-8. */
const REPLACEMENT_CHARACTER = '\ufffd';

/** @returns undefined where the text is not s3://BUCKET or s3://BUCKET/PATH */
export function splitDestination(text: string): { bucket: string; path: string } | undefined {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text);
  if (match === null) return undefined;
  const [, bucket = '', path = ''] = match;
  return { bucket, path };
}

/** The prefix of a folder's keys: empty for a whole bucket, else closed by a slash. */
export function folderPrefix(path: string): string {
  return path === '' || path.endsWith('/') ? path : `${path}/`;
}

/** The path of one object as the folder's prefix and the name in it: a spread goes between the two. */
export function splitObjectPath(path: string): { prefix: string; name: string } {
  const slash = path.lastIndexOf('/') + 1;
  return { prefix: path.slice(0, slash), name: path.slice(slash) };
}

/**
 * Why nothing is written below this path.
 *
 * - An empty name (`//`, or `/` at the start) is legal in S3. In a destination it is nearly always a variable that was not set.
 * - The names `.` and `..` are resolved by HTTP clients, so that the object is written elsewhere or can't be read back.
 */
export function faultOfPath(path: string): string | undefined {
  const names = folderPrefix(path).split('/').slice(0, -1);
  if (names.includes(''))
    return 'has an empty name (a slash at its start, or two in a row): remove the extra slash';
  const dots = names.find((name) => name === '.' || name === '..');
  if (dots !== undefined)
    return `has the name "${dots}", which HTTP clients resolve: write the path without it`;
  if (!path.isWellFormed() || path.includes(REPLACEMENT_CHARACTER)) return 'is not UTF-8';
  const bytes = Buffer.byteLength(folderPrefix(path));
  if (bytes > MAX_PATH_BYTES) return `has ${bytes} bytes: it takes up to ${MAX_PATH_BYTES}`;
  return undefined;
}
