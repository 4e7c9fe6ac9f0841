// Where in a group's keys S3 refuses: the answers by sections of the key space, and whether the refusals stand together.
//
// section   a stretch of keys between two bounds. The bounds are quantiles of the group's recent keys: every section gets
//           about as many answers, whatever the keys look like; a constant prefix does not matter
// stretch   neighbouring sections that refuse far more than the rest: what S3's partition looks like from outside
//
// Keys compare by UTF-16 code units: S3 compares UTF-8, which differs for keys beyond U+FFFF alone, and pace can bear that.

export interface SectionCount {
  answers: number;
  refused: number;
}

/** Sections of a group: a partition among 16 has one or two to itself, and a finer one is found in two steps. */
const SECTIONS = 16;
/** Keys from which the bounds are drawn: 16 for each section. */
const SAMPLED_KEYS = 256;
/** Refusals below which nothing is said. */
const LEAST_REFUSALS = 16;
/** Refusals after which counting starts again: the past must not outweigh the present. */
const MOST_REFUSALS = 128;
/** Standard deviations above what an even spread of the refusals would give the stretch: 16 sections, tested again and again. */
const SIGNIFICANT = 6;
/** How many times the rest's share of refusals the stretch must have: chance lets a partition run dry before the others. */
const TIMES_THE_REST = 8;
/** Share of the stretch's answers that must be refusals: fewer are what probing for the limit costs anyway. */
const LEAST_REFUSED_SHARE = 0.1;
/** Share of all answers above which a stretch is no part, but the group. */
const MOST_OF_GROUP = 0.5;
/** A neighbour belongs to the stretch with this share of its refusals. */
const ALIKE = 0.3;

/** @returns the sections of the stretch, first and last; undefined where refusals are spread as chance spreads them */
export function hotStretch(sections: readonly SectionCount[]): { first: number; last: number } | undefined {
  const all = sum(sections);
  if (all.refused < LEAST_REFUSALS) return undefined;
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
  const part = stretch.answers / all.answers;
  if (part > MOST_OF_GROUP || share(stretch) < LEAST_REFUSED_SHARE) return undefined;
  const deviation = Math.sqrt(all.refused * part * (1 - part));
  const isSignificant = stretch.refused - all.refused * part >= SIGNIFICANT * deviation;
  return isSignificant && share(stretch) >= TIMES_THE_REST * share(rest) ? { first, last } : undefined;
}

/** From a key, and up to another that is not part of it; absent: up to the end. */
export interface KeyRange {
  from: string;
  to: string | undefined;
}

export function isWithin({ from, to }: KeyRange, key: string): boolean {
  return key >= from && (to === undefined || key < to);
}

/** The keys that refuse, and about what share of the group's keys they are. */
export interface Stretch {
  range: KeyRange;
  share: number;
}

export interface Sections {
  /** @returns the keys that refuse, where they stand together */
  count(key: string, throttled: boolean): Stretch | undefined;
}

/** Counts the answers of a group that holds the keys of a range. */
export function createSections(range: KeyRange): Sections {
  const recent: string[] = [];
  let next = 0;
  let bounds: string[] = [];
  let counts: SectionCount[] = [];
  let refused = 0;

  function beginAnew(): void {
    const sorted = recent.toSorted((left, right) => (left < right ? -1 : left > right ? 1 : 0));
    const quantiles = Array.from(
      { length: SECTIONS - 1 },
      (_, index) => sorted[Math.floor(((index + 1) * sorted.length) / SECTIONS)] as string,
    );
    // One key may be many of the recent ones: it is one bound.
    bounds = [...new Set(quantiles)];
    counts = Array.from({ length: bounds.length + 1 }, () => ({ answers: 0, refused: 0 }));
    refused = 0;
  }

  return {
    count(key, throttled) {
      recent[next] = key;
      next = (next + 1) % SAMPLED_KEYS;
      if (counts.length === 0) {
        if (recent.length === SAMPLED_KEYS) beginAnew();
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
        beginAnew();
        return { range: found, share: keysShare };
      }
      if (refused >= MOST_REFUSALS) beginAnew();
      return undefined;
    },
  };
}

/** How many bounds the key has reached. */
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
