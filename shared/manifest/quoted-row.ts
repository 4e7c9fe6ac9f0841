// Where a CSV row that has quotes ends, by RFC 4180: the rules stand in boundaries.ts.

const newLine = 0x0a;
const carriageReturn = 0x0d;
const quoteMark = 0x22;
const comma = 0x2c;

/** Positions in the text: where the row begins, where its first line ends, and where the row must have ended. */
export interface QuotedRow {
  start: number;
  lineEnd: number;
  bound: number;
}

/**
 * What can be said of the row's end. Up to `quotedUntil`, every line end after its start lies within its quotes;
 * `undecided` waits for more text.
 */
export type QuotedEnd =
  | { kind: 'ends'; at: number }
  | { kind: 'unclosed'; quotedUntil: number }
  | { kind: 'undecided' };

const undecided: QuotedEnd = { kind: 'undecided' };

/**
 * Where the row ends: at a line feed, or at the end of all (`isLast`: nothing follows the text). Once it has crossed a
 * line end before `quotedUntil`, it goes on from there.
 */
export function quotedEnd(
  text: string,
  { start, lineEnd, bound }: QuotedRow,
  isLast: boolean,
  quotedUntil: number,
): QuotedEnd {
  // One character past the bound: only then is it plain that a row of just that length is not all there is.
  const isBoundSeen = text.length > bound;
  let lastQuoted = start;
  let lineFeed = lineEnd;
  let field = start;
  for (;;) {
    if (field > lineFeed) {
      lineFeed = Math.min(indexOrInfinity(text, '\n', field), text.length);
    }
    if (lineFeed > bound || (lineFeed === bound && isBoundSeen)) {
      return { kind: 'unclosed', quotedUntil: lastQuoted };
    }
    let end: number;
    if (text.charCodeAt(field) === quoteMark) {
      lastQuoted = closingQuote(text, field, lineEnd, quotedUntil);
      if (lastQuoted === -1 || lastQuoted >= bound) {
        const until = lastQuoted === -1 ? text.length : lastQuoted;
        return isLast || isBoundSeen ? { kind: 'unclosed', quotedUntil: until } : undecided;
      }
      end = lastQuoted + 1;
      if (text.charCodeAt(end) === comma) {
        field = end + 1;
        continue;
      }
      end += text.charCodeAt(end) === carriageReturn ? 1 : 0;
      if (end < text.length && text.charCodeAt(end) !== newLine) {
        return { kind: 'unclosed', quotedUntil: lastQuoted };
      }
    } else {
      // An unquoted field ends at a comma or with its line; a quote within it stands for itself.
      end = field;
      while (end < lineFeed && text.charCodeAt(end) !== comma) {
        end += 1;
      }
      if (end < lineFeed) {
        field = end + 1;
        continue;
      }
    }
    if (end === text.length && !isLast) {
      return undecided;
    }
    const isWithinBound = end < bound || (end === bound && end === text.length);
    return isWithinBound ? { kind: 'ends', at: end } : { kind: 'unclosed', quotedUntil: lastQuoted };
  }
}

/** The quote that closes the one at `open`; -1 where the text has none. */
function closingQuote(text: string, open: number, firstLineEnd: number, quotedUntil: number): number {
  let isPastFirstLine = open > firstLineEnd;
  let search = open + 1;
  for (;;) {
    const quote = text.indexOf('"', search);
    if (!isPastFirstLine && (quote === -1 || quote > firstLineEnd)) {
      isPastFirstLine = true;
      if (firstLineEnd < quotedUntil) {
        search = quotedUntil;
        continue;
      }
    }
    if (quote === -1 || text.charCodeAt(quote + 1) !== quoteMark) {
      return quote;
    }
    search = quote + 2;
  }
}

export function indexOrInfinity(text: string, wanted: string, from: number): number {
  const index = text.indexOf(wanted, from);
  return index === -1 ? Number.POSITIVE_INFINITY : index;
}
