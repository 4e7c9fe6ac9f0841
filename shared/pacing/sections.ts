// Finds where in a group's keys S3 refuses: counts its answers by sections of the key space, and sees whether refusals cluster.
//
// section   the keys between two bounds. The bounds are quantiles of the group's recent keys, so every section gets about as
//           many answers, whatever the keys look like; a constant prefix does not matter
// stretch   neighbouring sections that refuse far more than the rest: what S3's partition looks like from outside
//
// Keys compare by UTF-16 code units. S3 compares UTF-8, which differs only for keys beyond U+FFFF; pacing tolerates that.

export interface SectionCount {
  answers: number;
  refused: number;
}

/** Sections of a group. One of 16 partitions has one or two to itself; a smaller one is found in two steps. */
const SECTIONS = 16;
/** Keys from which the bounds are drawn: 16 for each section. */
const SAMPLED_KEYS = 256;
/** Fewer refusals find no stretch. */
const MIN_REFUSALS = 16;
/** Refusals after which counting starts again: old answers must not outweigh recent ones. */
const MAX_REFUSALS = 128;
/** Standard deviations above an even spread of the refusals. High, since 16 sections are tested again and again. */
const SIGNIFICANT = 6;
/** How many times the rest's share of refusals the stretch must have: by chance one partition is empty before the others. */
const TIMES_THE_REST = 8;
/** Share of the stretch's answers that must be refusals: probing for the limit costs fewer anyway. */
const MIN_REFUSED_SHARE = 0.1;
/** A stretch with a greater share of all answers is the group itself. */
const MAX_GROUP_SHARE = 0.5;
/** A neighbour belongs to the stretch if its share of refusals is this share of the hottest section's. */
const ALIKE = 0.3;

/** @returns the sections of the stretch, first and last; undefined where chance explains the refusals */
export function hotStretch(sections: readonly SectionCount[]): { first: number; last: number } | undefined {
  const all = sum(sections);
  if (all.refused < MIN_REFUSALS) return undefined;
  let hottest = 0;
  sections.forEach((section, index) => {
    if (section.refused > (sections[hottest]?.refused ?? 0)) hottest = index;
  });
  const peak = share(sections[hottest]);
  let first = hottest;
  let last = hottest;
  while (share(sections[first - 1]) >= peak * ALIKE) first--;
  while (share(sections[last + 1]) >= peak * ALIKE) last++;

  const stretch = sum(sections.slice(first, last + 1));
  const rest = { answers: all.answers - stretch.answers, refused: all.refused - stretch.refused };
  const ofGroup = stretch.answers / all.answers;
  if (ofGroup > MAX_GROUP_SHARE || share(stretch) < MIN_REFUSED_SHARE) return undefined;
  const deviation = Math.sqrt(all.refused * ofGroup * (1 - ofGroup));
  const isSignificant = stretch.refused - all.refused * ofGroup >= SIGNIFICANT * deviation;
  return isSignificant && share(stretch) >= TIMES_THE_REST * share(rest) ? { first, last } : undefined;
}

/** The keys from one up to another, without that one. `to` absent: up to the end. */
export interface KeyRange {
  from: string;
  to: string | undefined;
}

export function isWithin({ from, to }: KeyRange, key: string): boolean {
  return key >= from && (to === undefined || key < to);
}

/** The keys that S3 refuses, and about what share of the group's keys they are. */
export interface Stretch {
  range: KeyRange;
  share: number;
}

export type Sections = ReturnType<typeof createSections>;

/** Counts the answers of a group that holds the keys of a range. */
export function createSections(range: KeyRange) {
  const recent: string[] = [];
  let next = 0;
  let bounds: string[] = [];
  let counts: SectionCount[] = [];
  let refused = 0;

  function startCounting(): void {
    const sorted = recent.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0));
    const quantiles = Array.from(
      { length: SECTIONS - 1 },
      (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / SECTIONS)] as string,
    );
    // One key may fill several quantiles: it is one bound.
    bounds = [...new Set(quantiles)];
    counts = Array.from({ length: bounds.length + 1 }, () => ({ answers: 0, refused: 0 }));
    refused = 0;
  }

  return {
    /** Counts an answer. @returns the keys that S3 refuses, where they form a stretch */
    count(key: string, throttled: boolean): Stretch | undefined {
      recent[next] = key;
      next = (next + 1) % SAMPLED_KEYS;
      if (counts.length === 0) {
        if (recent.length === SAMPLED_KEYS) startCounting();
        return undefined;
      }
      const section = counts[sectionOf(bounds, key)] as SectionCount;
      section.answers++;
      if (!throttled) return undefined;
      section.refused++;
      refused++;
      const stretch = hotStretch(counts);
      if (stretch !== undefined) {
        const { first, last } = stretch;
        const found = { from: bounds[first - 1] ?? range.from, to: bounds[last] ?? range.to };
        const keysShare = (last - first + 1) / counts.length;
        startCounting();
        return { range: found, share: keysShare };
      }
      if (refused >= MAX_REFUSALS) startCounting();
      return undefined;
    },
  };
}

/** The section's number: how many bounds the key has reached. */
function sectionOf(bounds: readonly string[], key: string): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] as string) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sum(sections: readonly SectionCount[]): SectionCount {
  return {
    answers: sections.reduce((total, { answers }) => total + answers, 0),
    refused: sections.reduce((total, section) => total + section.refused, 0),
  };
}

function share(section: SectionCount | undefined): number {
  return section === undefined || section.answers === 0 ? 0 : section.refused / section.answers;
}
