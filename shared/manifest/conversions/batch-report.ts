// A completion report of S3 Batch Operations: its tasks that failed are the rows, each a copy of its object to the same key.
//
//   report     manifest.json, which lists files of results: those of failed tasks are read
//   results    one such file, dropped alone: rows of failed tasks are read, and those of others left out
//
// S3 user guide, "Examples: S3 Batch Operations completion reports".
import * as z from 'zod/mini';
import type { ManifestStart } from '../format.ts';
import type { ManifestHead } from '../formats/all.ts';
import { holdsNul } from '../lines/start.ts';
import { ConversionFault, convertible, type ManifestConversion } from './conversion.ts';
import { isList, readList } from './json-lists.ts';
import { objectHead } from './line-head.ts';
import {
  checkedGroups,
  findFile,
  type ListedFile,
  type ListLayout,
  placeOf,
  readChecked,
} from './listed-files.ts';
import { copyLines } from './table-rows.ts';

const WHAT = 'completion report of S3 Batch Operations';
const SCHEMA = ['Bucket', 'Key', 'VersionId', 'TaskStatus', 'ErrorCode', 'HTTPStatusCode', 'ResultMessage'];

const report = z.object({
  Format: z.literal('Report_CSV_20180820'),
  ReportSchema: z.string(),
  Results: z.array(
    z.object({
      TaskExecutionStatus: z.string(),
      Bucket: z.string(),
      Key: z.string(),
      MD5Checksum: z.optional(z.string()),
    }),
  ),
});

/** `<prefix>/job-<id>/` */
const LAYOUT: ListLayout = {
  what: WHAT,
  folderOfManifest: (key) => /^(.*\/)?job-[0-9a-f-]{36}\/(?=manifest\.json$)/s.exec(key)?.[0],
  folderOfFile: (key) => /^(.*\/)?job-[0-9a-f-]{36}\/(?=results\/[^/]+\.csv$)/s.exec(key)?.[0],
  misplaced: (file) =>
    `${placeOf(file)}, which is not where S3 Batch Operations writes results: job-<id>/results/`,
};

export const batchReport: ManifestConversion<ListedFile[]> = {
  name: WHAT,
  endings: [],
  contentTypes: ['application/vnd.spillway.batch-report+json'],
  detect: (start) => isList(start, 'batchReport'),

  async open(input) {
    const { ReportSchema, Results } = await readList(input, report, WHAT);
    if (ReportSchema.split(',').some((name, index) => name.trim() !== SCHEMA[index]))
      throw new ConversionFault('ListUnreadable', `the ${WHAT} has other columns than ${SCHEMA.join(', ')}`);
    const files = Results.filter(({ TaskExecutionStatus }) => TaskExecutionStatus === 'failed').map(
      ({ Bucket, Key, MD5Checksum }): ListedFile => ({ bucket: Bucket, key: Key, md5: MD5Checksum }),
    );
    const empty = `the ${WHAT} lists no file of failed tasks: nothing had failed`;
    return convertible(checkedGroups(input, files, LAYOUT), empty, () =>
      objectHead(input.start, `a ${WHAT}`),
    );
  },

  async *convert(files, input) {
    for (const listed of files) {
      const text = readChecked(input, listed, await findFile(input, listed));
      yield* failedTasks(text, placeOf(listed));
    }
  },
};

/** The file is one unit. */
export const batchResults: ManifestConversion<'results'> = {
  name: 'results of S3 Batch Operations',
  endings: [],
  contentTypes: ['application/vnd.spillway.batch-results+csv'],
  detect: isResults,
  open: async ({ start }) => ({ kind: 'convertible', head: resultsHead(start), units: ['results'] }),
  convert: (_, { manifest, read }) => failedTasks(read(manifest, 0, manifest.sizeBytes), placeOf(manifest)),
};

/** @throws ConversionFault */
export function resultsHead(start: ManifestStart): ManifestHead {
  return objectHead(start, 'a file of results of S3 Batch Operations');
}

export function isResults(start: ManifestStart): boolean {
  if (holdsNul(start)) return false;
  const line = start.bytes.toString('latin1', 0, 8_192).split('\n', 1)[0] ?? '';
  // A bucket, a URL-encoded key, a version and the status: none of them holds a quote or a comma of its own.
  return /^"?[^",]{3,63}"?,"?[^",]+"?,"?[^",]*"?,"?(?:failed|succeeded)"?,/.test(line);
}

/** The failed tasks of a file of results, as lines. */
export function failedTasks(text: AsyncIterable<Uint8Array>, place: string): AsyncGenerator<Uint8Array> {
  return copyLines(text, SCHEMA.length, place, ([bucket = '', key = '', version = '', status = '']) =>
    status === 'failed' ? { bucket, key, version } : undefined,
  );
}
