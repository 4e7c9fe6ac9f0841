// Finds the known name that a mistyped name was probably meant to be.

/** More than this many edits apart is another word. */
const maximumEdits = 2;

/** Names are compared up to this length: no known one is as long. */
const maximumNameLength = 40;

/** The nearest of `known` within two edits, ignoring case; undefined when none is near. */
export function nearMiss(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase().slice(0, maximumNameLength);
  let nearest: string | undefined;
  let fewest = maximumEdits + 1;
  for (const candidate of known) {
    const edits = editDistance(wanted, candidate);
    if (edits < fewest && edits < candidate.length) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Levenshtein's distance, one row of the matrix at a time. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
