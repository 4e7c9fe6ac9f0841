// One page of a list, of no more entries than an answer holds.

/**
 * Bytes of JSON in one answer. Lambda takes 6 MB, in which the body is JSON in a JSON string: quotes and control characters are
 * escaped once more.
 */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** An entry of a list, with the cursor of the page that starts behind it. */
interface Entry<View> {
  view: View;
  behind: string;
}

export interface Page<View> {
  views: readonly View[];
  /** Starts the next page; absent on the last. */
  next: { cursor?: string };
}

/**
 * At least one entry, so that the next page makes progress.
 * @param cursor of the entries after these; absent where there are none
 */
export function pageOf<View>(entries: readonly Entry<View>[], cursor: string | undefined): Page<View> {
  let bytes = 0;
  const end = entries.findIndex(({ view }) => {
    bytes += Buffer.byteLength(JSON.stringify(view));
    return bytes > MAX_ANSWER_BYTES;
  });
  const kept = end === -1 ? entries : entries.slice(0, Math.max(1, end));
  const next = kept.length < entries.length ? kept.at(-1)?.behind : cursor;
  return { views: kept.map(({ view }) => view), next: next === undefined ? {} : { cursor: next } };
}
