// Every source, by the column of a row that holds it, and in the column `source` by the scheme. Ingest's check, upload's second check and upload's writer read this table.
//
// A new source is one file behind the port in source.ts, its column or scheme in manifest/columns.ts, and its line here.
import { type ManifestItem, type PayloadColumn, payloadColumns } from '../manifest/columns.ts';
import { PlainItem } from '../manifest/plain-row.ts';
import { isWebSource } from '../manifest/web-source.ts';
import { onFirstUse } from '../time/on-first-use.ts';
import { https } from './https.ts';
import { inline } from './inline.ts';
import { s3Copy } from './s3-copy.ts';
import type {
  ItemWriter,
  Refusal,
  Source,
  SourceConfiguration,
  SourceDependencies,
  SourceWriter,
} from './source.ts';

const SOURCES: Readonly<Record<PayloadColumn, Source | ((item: ManifestItem) => Source)>> = {
  source: ({ source = '' }) => (isWebSource(source) ? https : s3Copy),
  text: inline,
  base64: inline,
};

/** @returns why the row's source may not be read, or undefined where it may */
export function checkSource(item: ManifestItem, configuration: SourceConfiguration): Refusal | undefined {
  return sourceOf(item).check(item, configuration);
}

/** `checkSource` of many rows: those that follow each other mostly name one bucket, which is looked up once. */
export function createSourceCheck(
  configuration: SourceConfiguration,
): (item: ManifestItem) => Refusal | undefined {
  /** `s3://bucket/` of the last plain item that was allowed. */
  let allowed = '';
  return (item) => {
    if (!(item instanceof PlainItem)) return checkSource(item, configuration);
    const { source } = item;
    // With a question mark it may name a version.
    if (allowed !== '' && source.startsWith(allowed) && !source.includes('?')) return undefined;
    const refusal = checkSource(item, configuration);
    if (refusal === undefined) allowed = source.slice(0, source.indexOf('/', 's3://'.length) + 1);
    return refusal;
  };
}

/** The writer of rows of every source. */
export function createItemWriter(dependencies: SourceDependencies): ItemWriter {
  // Two columns may share a source, and so its writer.
  const writers = new Map<Source, () => Promise<SourceWriter>>();
  return {
    async begin(item, write, id) {
      const source = sourceOf(item);
      const writer = writers.get(source) ?? onFirstUse(() => source.createWriter(dependencies));
      writers.set(source, writer);
      return (await writer()).begin(item, write, id);
    },
  };
}

function sourceOf(item: ManifestItem): Source {
  const column = payloadColumns.find((name) => item[name] !== undefined);
  if (column === undefined)
    throw new Error(`item ${JSON.stringify(item.key)} has no source: it has not passed parseItem`);
  const source = SOURCES[column];
  return typeof source === 'function' ? source(item) : source;
}
