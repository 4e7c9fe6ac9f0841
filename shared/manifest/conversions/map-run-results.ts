// Results of a Distributed Map of Step Functions (developer guide, "ResultWriter"): the objects of executions that failed or did
// not start are the rows.
//
//   manifest   manifest.json, which lists files by status: FAILED and PENDING ones are read
//   file       one such file, dropped alone: an array of executions (JSON), or one a line (JSON Lines)
//
// An execution's input is JSON text: one item, or { "Items": [...] } where items are batched. An item that has our columns is a
// row as it stands; one with Bucket and Key, in S3's spelling, is a copy of that object to the same key.
import * as z from 'zod/mini';
import { isBucketName } from '../../keys/bucket-name.ts';
import { boundedText } from '../../text/bounded.ts';
import { isRecord } from '../../text/parse-json.ts';
import type { ManifestStart } from '../format.ts';
import { keepingNumbers, keptDigits } from '../written-numbers.ts';
import { ConversionFault, convertible, type ManifestConversion } from './conversion.ts';
import { ArrayReader } from './element-lines.ts';
import { hasMembers, isList, readList } from './json-lists.ts';
import { lineHead } from './line-head.ts';
import {
  checkedGroups,
  findFile,
  type ListedFile,
  type ListLayout,
  ofListedFile,
  placeOf,
  readChecked,
} from './listed-files.ts';
import { copyLine } from './table-rows.ts';

const WHAT = 'manifest.json of a Distributed Map';
/** An execution's input and output have 256 KiB each, and escapes may double them. */
const MAX_EXECUTION_BYTES = 2 * 1024 * 1024;
/** Bytes of a message that show an item. */
const SHOWN_BYTES = 200;

const files = z.array(z.object({ Key: z.string(), Size: z.number().check(z.int(), z.gte(0)) }));
const results = z.object({
  DestinationBucket: z.string(),
  MapRunArn: z.string(),
  ResultFiles: z.object({ FAILED: z._default(files, []), PENDING: z._default(files, []) }),
});

export const mapRunResults: ManifestConversion<ListedFile[]> = {
  name: 'results of a Distributed Map',
  endings: [],
  contentTypes: ['application/vnd.spillway.map-run+json'],
  detect: (start) => isList(start, 'mapRun'),

  async open(input) {
    const list = await readList(input, results, WHAT);
    const { FAILED, PENDING } = list.ResultFiles;
    const listed = [...FAILED, ...PENDING].map(
      ({ Key, Size }): ListedFile => ({ bucket: list.DestinationBucket, key: Key, sizeBytes: Size }),
    );
    const empty = `the ${WHAT} lists no executions that failed or did not start`;
    return convertible(checkedGroups(input, listed, layoutOf(list.MapRunArn)), empty, () =>
      lineHead(input.start),
    );
  },

  async *convert(unit, input) {
    for (const listed of unit) {
      const text = readChecked(input, listed, await findFile(input, listed));
      yield* ofListedFile(listed, itemLines(text, placeOf(listed)));
    }
  },
};

/** `<prefix>/<id of the map run>/`: the id is the last part of its ARN. */
function layoutOf(arn: string): ListLayout {
  const id = arn.split(':').at(-1) ?? '';
  const folderIn = (key: string) => {
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    return folder.split('/').at(-2) === id ? folder : undefined;
  };
  return {
    what: WHAT,
    folderOfManifest: folderIn,
    folderOfFile: (key) => (id === '' ? undefined : folderIn(key)),
    misplaced: (file) =>
      `${placeOf(file)}, which is not where Step Functions writes results: <prefix>/<id of the map run>/`,
  };
}

/** The file is one unit. */
export const mapRunFile: ManifestConversion<'executions'> = {
  name: 'executions of a Distributed Map',
  endings: [],
  contentTypes: ['application/vnd.spillway.map-run-file+json'],
  detect: isExecutions,
  open: async ({ start }) => ({ kind: 'convertible', head: lineHead(start), units: ['executions'] }),
  convert: (_, { manifest, read }) => itemLines(read(manifest, 0, manifest.sizeBytes), placeOf(manifest)),
};

/** Whether the first element, or the first line, is an execution. */
export function isExecutions({ bytes, sizeBytes }: ManifestStart): boolean {
  // Each space can be matched in one way alone: else a file of spaces takes time by the square of its length.
  const bracket = /^(?:\xef\xbb\xbf)?\s*(?:\[\s*)?(?=\{)/.exec(bytes.toString('latin1'))?.[0];
  if (bracket === undefined) return false;
  const first = { bytes: bytes.subarray(bracket.length), sizeBytes };
  return (
    hasMembers(first, ['ExecutionArn', 'Input']) || hasMembers(first, ['Input', 'Status', 'StateMachineArn'])
  );
}

/** The items of a file of executions, as lines. */
export async function* itemLines(text: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Uint8Array> {
  let execution = 0;
  for await (const line of executionLines(text, place)) {
    execution += 1;
    const lines = linesOfExecution(line, `execution ${execution} of ${place}`);
    if (lines !== '') yield Buffer.from(lines);
  }
}

/** The lines of the file: an array's elements, or what is between line ends. */
async function* executionLines(text: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of asLines(text)) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, start)) {
      const line = bytes.toString('utf8', start, end);
      if (line.trim() !== '') yield line;
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > MAX_EXECUTION_BYTES)
      throw new ConversionFault(
        'ListedFileBroken',
        `${place} has an execution above ${MAX_EXECUTION_BYTES} bytes`,
      );
  }
  const last = rest.toString('utf8');
  if (last.trim() !== '') yield last;
}

/** An array's elements as lines; other text as it stands. */
async function* asLines(text: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let array: ArrayReader | undefined;
  let isFirst = true;
  for await (const chunk of text) {
    if (isFirst && beginsAsArray(chunk)) array = new ArrayReader();
    isFirst = false;
    yield array?.read(chunk) ?? chunk;
  }
  array?.end();
}

function beginsAsArray(chunk: Uint8Array): boolean {
  return /^(?:\xef\xbb\xbf)?\s*\[/.test(Buffer.from(chunk).toString('latin1', 0, 64));
}

const REMEDY =
  'have the map pass Bucket and Key of each object, or the columns of a manifest, in its ItemSelector, or drop a list of the objects';

function linesOfExecution(line: string, place: string): string {
  // Numbers keep their spelling: an item with our columns is a row, whose reader says which it takes as text.
  const execution = keepingNumbers(line);
  // A file of executions that succeeded can be dropped alone too: what they were for is done.
  if (isRecord(execution) && execution['Status'] === 'SUCCEEDED') return '';
  const text = isRecord(execution) ? execution['Input'] : undefined;
  const input = typeof text === 'string' ? keepingNumbers(text) : undefined;
  const items = isRecord(input) && Array.isArray(input['Items']) ? input['Items'] : [input];
  const shared = isRecord(input) && isRecord(input['BatchInput']) ? input['BatchInput'] : {};
  return items.map((item: unknown) => lineOfItem(item, shared, place)).join('');
}

function lineOfItem(item: unknown, shared: Record<string, unknown>, place: string): string {
  if (!isRecord(item) || keptDigits(item) !== undefined) throw unfit(item, place, 'is no object');
  if (typeof item['key'] === 'string' || keptDigits(item['key']) !== undefined)
    return `${JSON.stringify(item)}\n`;
  const { Key: key, VersionId, Size } = item;
  const bucket = item['Bucket'] ?? shared['Bucket'];
  if (typeof key !== 'string') throw unfit(item, place, 'has no Key');
  if (typeof bucket !== 'string' || !isBucketName(bucket))
    throw unfit(item, place, 'has a Key and no Bucket');
  return copyLine({ bucket, key, version: textOf(VersionId), size: textOf(sizeOf(Size)) });
}

function textOf(value: unknown): string | undefined {
  const text = keptDigits(value) ?? value;
  return typeof text === 'string' ? text : undefined;
}

/** Writers that hold a size as a floating-point number spell it `1024.0` or `1.5E9`. */
function sizeOf(value: unknown): unknown {
  const number = Number(keptDigits(value));
  return Number.isSafeInteger(number) ? String(number) : value;
}

function unfit(item: unknown, place: string, what: string) {
  const shown = boundedText(JSON.stringify(item) ?? 'its input', SHOWN_BYTES);
  return new ConversionFault('ItemUnfit', `an item of ${place} ${what}: ${shown}; ${REMEDY}`);
}
