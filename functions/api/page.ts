// One page of a list, of no more entries than an answer holds.

/**
 * Bytes of JSON in one answer. Lambda takes 6 MB, in which the body is JSON in a JSON string: quotes and control characters are
 * escaped once more.
 */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface Page<View> {
  views: readonly View[];
  /** Starts the next page; absent on the last. */
  next: { cursor?: string };
}

/**
 * At least one entry, so that the next page makes progress.
 * @param cursor of the entries after these; absent where there are none
 */
export function pageOf<Entry, View>(
  entries: readonly Entry[],
  cursor: string | undefined,
  viewOf: (entry: Entry) => View,
  cursorBehind: (entry: Entry) => string,
): Page<View> {
  const views = entries.map(viewOf);
  let bytes = 0;
  const end = views.findIndex((view) => {
    bytes += Buffer.byteLength(JSON.stringify(view));
    return bytes > MAX_ANSWER_BYTES;
  });
  const kept = end === -1 ? views.length : Math.max(1, end);
  const last = kept < entries.length ? entries[kept - 1] : undefined;
  const next = last === undefined ? cursor : cursorBehind(last);
  return { views: views.slice(0, kept), next: next === undefined ? {} : { cursor: next } };
}
