// S3 Inventory's manifest.json: a list of files, which list the objects of a bucket (S3 user guide, "Locating your inventory list").
// Each object is copied under its own key: { key, source, source_version, size }.
//
// An inventory of all versions also lists older versions and delete markers. They are no objects that a listing of the bucket
// shows, so they are left out. The latest version is copied by its id, as the inventory saw it.
import * as z from 'zod/mini';
import { isBucketName } from '../../keys/bucket-name.ts';
import { boundedName } from '../../text/bounded.ts';
import { ConversionFault, convertible, type ManifestConversion } from './conversion.ts';
import { inventoryCsvLines } from './inventory-csv.ts';
import { inventoryParquetLines } from './inventory-parquet.ts';
import { isList, readList } from './json-lists.ts';
import { objectHead } from './line-head.ts';
import { checkedGroups, type ListedFile, type ListLayout, ofListedFile } from './listed-files.ts';

const WHAT = 'S3 Inventory';
const FORMATS = ['CSV', 'Parquet'] as const;
type InventoryFormat = (typeof FORMATS)[number];

const inventory = z.object({
  sourceBucket: z.string(),
  destinationBucket: z.string(),
  fileFormat: z.string(),
  fileSchema: z.string(),
  files: z.array(
    z.object({
      key: z.string(),
      size: z.number().check(z.int(), z.gte(0)),
      MD5checksum: z.string().check(z.regex(/^[0-9a-fA-F]{32}$/, 'is no MD5')),
    }),
  ),
});

/** Files that are converted together. `columns`: the names in CSV; Parquet files name their own. */
export interface InventoryUnit {
  format: InventoryFormat;
  columns: string[];
  files: ListedFile[];
}

export const s3Inventory: ManifestConversion<InventoryUnit> = {
  name: WHAT,
  endings: [],
  contentTypes: ['application/vnd.spillway.s3-inventory+json'],
  detect: (start) => isList(start, 'inventory'),

  async open(input) {
    const list = await readList(input, inventory, `manifest.json of ${WHAT}`);
    const format = formatOf(list.fileFormat);
    const columns = format === 'CSV' ? list.fileSchema.split(',').map((name) => name.trim()) : [];
    if (format === 'CSV' && !(columns.includes('Bucket') && columns.includes('Key')))
      throw new ConversionFault(
        'ListUnreadable',
        `the fileSchema of the ${WHAT} has no Bucket and Key: ${boundedName(list.fileSchema)}`,
      );
    const bucket = bucketOfArn(list.destinationBucket);
    const files = list.files.map(
      ({ key, size, MD5checksum }): ListedFile => ({ bucket, key, sizeBytes: size, md5: MD5checksum }),
    );
    const groups = checkedGroups(input, files, layoutOf(list.sourceBucket));
    return convertible(
      groups.map((group) => ({ format, columns, files: group })),
      `the ${WHAT} lists no files: the bucket was empty when it was made`,
      () => objectHead(input.start, `an ${WHAT}`),
    );
  },

  async *convert({ format, columns, files }, input) {
    for (const file of files) {
      const lines =
        format === 'CSV' ? inventoryCsvLines(input, file, columns) : inventoryParquetLines(input, file);
      yield* ofListedFile(file, lines);
    }
  },
};

function formatOf(fileFormat: string): InventoryFormat {
  const known = FORMATS.find((format) => format === fileFormat);
  if (known !== undefined) return known;
  throw new ConversionFault(
    'UnsupportedFormat',
    `the ${WHAT} has files in ${boundedName(fileFormat)}, which are not read: configure the inventory's output format as CSV or Parquet`,
  );
}

/** `arn:aws:s3:::bucket`, in any partition. */
function bucketOfArn(arn: string): string {
  const bucket = /^arn:[a-z0-9-]+:s3:::(.+)$/.exec(arn)?.[1] ?? '';
  if (isBucketName(bucket)) return bucket;
  throw new ConversionFault(
    'ListUnreadable',
    `the destinationBucket of the ${WHAT} is no bucket's ARN: ${boundedName(arn)}`,
  );
}

/** `<prefix>/<source bucket>/<configuration>/` */
function layoutOf(sourceBucket: string): ListLayout {
  const laidOut = (folder: string | undefined) =>
    folder?.split('/').at(-3) === sourceBucket ? folder : undefined;
  return {
    what: WHAT,
    folderOfManifest: (key) =>
      laidOut(/^(.*\/)\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z\/manifest\.json$/s.exec(key)?.[1]),
    folderOfFile: (key) => laidOut(/^(.*\/)data\/[^/]+$/s.exec(key)?.[1]),
    misplaced: ({ key }) =>
      `${boundedName(key)}, which is not where S3 Inventory writes its files: <prefix>/${boundedName(sourceBucket)}/<configuration>/data/`,
  };
}
