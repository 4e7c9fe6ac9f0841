// Conditions of a GET or HEAD, in the order of RFC 9110, section 13.2.2.
import type { IncomingHttpHeaders } from 'node:http';
import type { StoredObject } from './stored-object.ts';

export type ReadCondition = 'holds' | 'not-modified' | 'failed';

export function readCondition(headers: IncomingHttpHeaders, object: StoredObject): ReadCondition {
  const {
    'if-match': ifMatch,
    'if-none-match': ifNoneMatch,
    'if-modified-since': modifiedSince,
    'if-unmodified-since': unmodifiedSince,
  } = headers;
  if (ifMatch !== undefined) {
    if (!names(ifMatch, object.etag)) return 'failed';
  } else if (unmodifiedSince !== undefined && secondsOf(object) > secondsIn(unmodifiedSince)) {
    return 'failed';
  }
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, object.etag) ? 'not-modified' : 'holds';
  return modifiedSince !== undefined && secondsOf(object) <= secondsIn(modifiedSince)
    ? 'not-modified'
    : 'holds';
}

/** S3 takes ETags with and without quotes. */
function names(header: string, etag: string): boolean {
  const plain = etag.replaceAll('"', '');
  return header.split(',').some((each) => {
    const given = each.trim().replace(/^W\//, '').replaceAll('"', '');
    return given === '*' || given === plain;
  });
}

/** The header's dates have no fractions. */
function secondsOf({ lastModified }: StoredObject): number {
  return Math.floor(lastModified.getTime() / 1000);
}

/** NaN for what is no date, which no comparison holds for: the header counts as absent then. */
function secondsIn(header: string): number {
  return Date.parse(header) / 1000;
}
