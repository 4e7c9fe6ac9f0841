// What all compressions have in common: one unit, the expanded text. Its own name and content say how its rows are read.
import { type ManifestStart, unreadable } from '../format.ts';
import { openManifest } from '../open.ts';
import { endingOf } from '../refused-files.ts';
import { failedTasks, isResults, resultsHead } from './batch-report.ts';
import type { AboutConversion, ConversionInput, ManifestConversion, OpenedConversion } from './conversion.ts';
import { elementLines } from './element-lines.ts';
import { isJsonArray, openArray } from './json-array.ts';
import { isAnyList } from './json-lists.ts';
import { lineHead } from './line-head.ts';
import { placeOf } from './listed-files.ts';
import { isExecutions, itemLines } from './map-run-results.ts';

/** The compressed bytes. */
export interface Packed {
  sizeBytes: number;
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

export interface Compression {
  name: string;
  endings: readonly string[];
  contentTypes: readonly [string, ...string[]];
  /** Whether these are the first bytes of such a file. */
  begins(start: Buffer): boolean;
  /** @throws ConversionFault where the bytes are damaged, or expand beyond a limit */
  expand(packed: Packed): AsyncIterable<Buffer>;
}

/** What the expanded text can be: rows as they stand, a JSON array, or results of AWS. Each says how its rows are read. */
const ROWS_OF = {
  text: (text) => text,
  array: elementLines,
  'batch-results': failedTasks,
  executions: itemLines,
} satisfies Record<string, (text: AsyncIterable<Buffer>, place: string) => AsyncIterable<Uint8Array>>;
type Expanded = keyof typeof ROWS_OF;

export function compressed(compression: Compression): ManifestConversion<Expanded> {
  const { name, endings, contentTypes, begins } = compression;
  const expanded = ({ manifest, read }: ConversionInput) =>
    compression.expand({
      sizeBytes: manifest.sizeBytes,
      read: (start, end) => read(manifest, start, end),
    });

  return {
    name,
    endings,
    contentTypes,
    detect: ({ bytes }) => begins(bytes),

    async open(input, about): Promise<OpenedConversion<Expanded>> {
      const { bytes } = input.start;
      if (bytes.length === 0) return unreadable('Empty', 'the manifest is empty');
      if (!begins(bytes)) {
        return unreadable(
          'FormatMismatch',
          `a manifest in ${name} by its name, but its first bytes are not those of ${name}: leave the ending .${endingOf(about.key)} out of its name, or compress it`,
        );
      }
      const start = await startOfText(expanded(input));
      if (isAnyList(start))
        return unreadable('Compressed', `unpacked from ${name}: the manifest lists files: drop it unpacked`);
      if (isResults(start))
        return { kind: 'convertible', head: resultsHead(input.start), units: ['batch-results'] };
      const head = lineHead(input.start);
      if (isExecutions(start)) return { kind: 'convertible', head, units: ['executions'] };
      if (isJsonArray(start)) return openArray(elementLines(expanded(input)), head);
      const opened = openManifest(start.bytes, {
        ...about,
        ...textOf(about, endings),
        sizeBytes: start.sizeBytes,
        extraColumns: input.start.extraColumns ?? [],
      });
      return opened.kind === 'readable'
        ? { kind: 'convertible', head: opened.head, units: ['text'] }
        : { ...opened, message: `unpacked from ${name}: ${opened.message}` };
    },

    convert: (kind, input) => ROWS_OF[kind](expanded(input), placeOf(input.manifest)),
  };
}

/** The name of the expanded text: `list.csv` of `list.csv.gz`. */
function textOf({ key }: AboutConversion, endings: readonly string[]): { key: string } {
  const ending = endingOf(key);
  return { key: endings.includes(ending) ? key.slice(0, -ending.length - 1) : key };
}

/** As many bytes as are read of a manifest that needs no conversion. */
const START_BYTES = 256 * 1024;

/** Reads no further than it must. `sizeBytes` of a longer text is not known: it is infinite. */
async function startOfText(text: AsyncIterable<Uint8Array>): Promise<ManifestStart> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of text) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > START_BYTES) {
      return {
        bytes: Buffer.concat(chunks).subarray(0, START_BYTES),
        sizeBytes: Number.POSITIVE_INFINITY,
      };
    }
  }
  return { bytes: Buffer.concat(chunks), sizeBytes: bytes };
}
