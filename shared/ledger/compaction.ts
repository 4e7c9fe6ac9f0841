// Keeps a block's row within 1 KB, one write unit, although each batch of upload adds members to its sets. When they have grown,
// one write puts their numbers into a map, a bit for each row, and deletes them.
//
//   doneRows   binary set: a member for each batch (row-numbers.ts). Any writer adds to it at any time
//   doneMap    binary: rows that were members before. Written here alone
//
// Each of the four ends has both. The write names the members that it deletes, so those that others add meanwhile stay. It is
// conditional on the map as it was read: of two such writes at once the second changes nothing, and a later batch repeats it.
import { decodeMap, decodeNumbers, encodeMap } from './row-numbers.ts';
import type { Attributes } from './rows.ts';
import type { Change } from './table.ts';
import { ROW_ENDS, type RowEnd } from './tally.ts';

/** A row of this size, with its key and its counters, leaves room for what several workers add before it is compacted. */
const MOST_BYTES = 650;
/** Below this, a compaction gains too little for its write: the maps of four ends alone may take 1,000 bytes. */
const LEAST_MEMBER_BYTES = 256;
/** Where the rows that are left fit within this as well, no compaction is needed. */
const ROOM_BYTES = 900;
/** A row that ends alone takes two bytes. */
const BYTES_OF_A_ROW = 2;

/**
 * The attribute of rows that ended so: a binary set. An earlier version kept number sets under the ends' own names, and a job that
 * began under it has both.
 */
export const endsAttribute = (end: RowEnd): `${RowEnd}Rows` => `${end}Rows`;
/** A job that began under an earlier version may have no maps. */
const mapAttribute = (end: RowEnd): `${RowEnd}Map` => `${end}Map`;

/** A damaged member or map counts as nothing: a replay sends its rows again, and the other rows of the block are not held up. */
export function readCompacted(item: Attributes, end: RowEnd): number[] {
  const members = item[endsAttribute(end)]?.BS ?? [];
  return [...mappedRows(item, end), ...members.flatMap((member) => decodeNumbers(member) ?? [])];
}

/**
 * @param item a block's row as it was just written
 * @param openRows rows of the block that have not ended
 * @returns undefined where the row is small enough
 */
export function compactionOf(item: Attributes, openRows: number): Change | undefined {
  const memberBytes = sum(ROW_ENDS.map((end) => sum(membersOf(item, end).map(({ length }) => length))));
  const bytes = memberBytes + sum(ROW_ENDS.map((end) => item[mapAttribute(end)]?.B?.length ?? 0));
  const isSmall = bytes <= MOST_BYTES || bytes + openRows * BYTES_OF_A_ROW <= ROOM_BYTES;
  if (isSmall || memberBytes < LEAST_MEMBER_BYTES) return undefined;
  const grown = ROW_ENDS.filter((end) => membersOf(item, end).length > 0);
  const list = (of: (end: RowEnd) => string) => grown.map(of).join(', ');
  const isAsRead = grown.map((end) => {
    const map = mapAttribute(end);
    return item[map] === undefined ? `attribute_not_exists(${map})` : `${map} = :${end}Was`;
  });
  return {
    UpdateExpression: `SET ${list((end) => `${mapAttribute(end)} = :${end}Map`)} DELETE ${list((end) => `${endsAttribute(end)} :${end}`)}`,
    ConditionExpression: ['attribute_exists(pk)', ...isAsRead].join(' AND '),
    ExpressionAttributeValues: Object.assign({}, ...grown.map((end) => valuesOf(item, end))),
    ReturnValues: 'NONE',
  };
}

function valuesOf(item: Attributes, end: RowEnd): Attributes {
  const was = item[mapAttribute(end)];
  return {
    [`:${end}`]: { BS: membersOf(item, end) },
    [`:${end}Map`]: { B: encodeMap(readCompacted(item, end)) },
    ...(was === undefined ? {} : { [`:${end}Was`]: was }),
  };
}

/** Those that can be read: a damaged one stays as it is. */
function membersOf(item: Attributes, end: RowEnd): Uint8Array[] {
  return (item[endsAttribute(end)]?.BS ?? []).filter((member) => decodeNumbers(member) !== undefined);
}

function mappedRows(item: Attributes, end: RowEnd): number[] {
  const map = item[mapAttribute(end)]?.B;
  return map === undefined ? [] : decodeMap(map);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
