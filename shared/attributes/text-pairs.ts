// Names and values in one text, as options hold metadata and tags: `owner=web&team=a%20b`, percent-encoded as in a query string.
// A plus sign stands for itself.
import { type Fault, faultOfMetadataName, faultOfMetadataValue, faultOfTag } from './checks.ts';

/** The pairs in their order; where the text can't be read, why. */
function readPairs(text: string): [name: string, value: string][] | string {
  const pairs: [string, string][] = [];
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=');
    if (at < 1) return 'is not NAME=VALUE&NAME=VALUE';
    try {
      pairs.push([decodeURIComponent(pair.slice(0, at)), decodeURIComponent(pair.slice(at + 1))]);
    } catch {
      return 'holds a % that does not encode a byte of UTF-8: write % itself as %25';
    }
  }
  return pairs;
}

/** @returns the names and values of a text that has passed its check; none of any other */
export function pairsOf(text: string | undefined): Map<string, string> {
  const pairs = text === undefined ? [] : readPairs(text);
  return new Map(typeof pairs === 'string' ? [] : pairs);
}

export const faultOfMetadataText = (text: string): Fault =>
  faultOfPairs(text, (pairs) => faultOfMetadata(pairs));

export const faultOfTagsText = (text: string): Fault => faultOfPairs(text, (pairs) => faultOfTags(pairs));

function faultOfPairs(text: string, check: (pairs: readonly [string, string][]) => Fault): Fault {
  if (!/^[\x20-\x7e]*$/.test(text)) return 'holds characters beyond ASCII: percent-encode them';
  const pairs = readPairs(text);
  return typeof pairs === 'string' ? pairs : check(pairs);
}

/** Of each entry, and of names that are the same to S3. Sums are checked where a row and its job are merged. */
export function faultOfMetadata(entries: readonly (readonly [string, string])[]): Fault {
  const names = new Set<string>();
  for (const [name, value] of entries) {
    const fault = faultOfMetadataName(name) ?? faultOfMetadataValue(name, value);
    if (fault !== undefined) return fault;
    // Names of headers have no case.
    const same = name.toLowerCase();
    if (names.has(same)) return `has the name ${same} twice: names of headers have no case`;
    names.add(same);
  }
  return undefined;
}

export function faultOfTags(entries: readonly (readonly [string, string])[]): Fault {
  const names = new Set<string>();
  for (const [name, value] of entries) {
    const fault = faultOfTag(name, value);
    if (fault !== undefined) return fault;
    if (names.has(name)) return `has the name ${name} twice`;
    names.add(name);
  }
  return undefined;
}
