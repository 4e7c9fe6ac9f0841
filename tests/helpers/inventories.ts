// An S3 Inventory as S3 delivers it: its files and its manifest.json, by `bucket/key`.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { parquetOf } from './parquet-files.ts';

export interface InventoryObject {
  bucket: string;
  key: string;
  size?: number;
  version?: string;
  isLatest?: boolean;
  isDeleteMarker?: boolean;
}

export const INVENTORY_FOLDER = 'lists/source-bucket/daily/';
export const INVENTORY_MANIFEST = `${INVENTORY_FOLDER}2026-11-27T01-00Z/manifest.json`;

const CSV_SCHEMA = 'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag';
const PARQUET_SCHEMA = 'message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); }';

/** As S3 encodes keys in CSV. */
function formEncoded(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}

export function csvFile(objects: readonly InventoryObject[]): Buffer {
  const rows = objects.map(({ bucket, key, size, version = '', isLatest = true, isDeleteMarker = false }) =>
    [
      bucket,
      formEncoded(key),
      version,
      isLatest,
      isDeleteMarker,
      size ?? '',
      '2026-11-26T10:00:00.000Z',
      'e1',
    ]
      .map((field) => `"${field}"`)
      .join(','),
  );
  return gzipSync(rows.map((row) => `${row}\n`).join(''));
}

function parquetFile(objects: readonly InventoryObject[]): Buffer {
  return parquetOf([
    { name: 'bucket', data: objects.map(({ bucket }) => bucket), type: 'STRING', nullable: false },
    { name: 'key', data: objects.map(({ key }) => key), type: 'STRING', nullable: false },
    { name: 'version_id', data: objects.map(({ version }) => version ?? null), type: 'STRING' },
    { name: 'is_latest', data: objects.map(({ isLatest }) => isLatest ?? true), type: 'BOOLEAN' },
    { name: 'is_delete_marker', data: objects.map((each) => each.isDeleteMarker ?? false), type: 'BOOLEAN' },
    {
      name: 'size',
      data: objects.map(({ size }) => (size === undefined ? null : BigInt(size))),
      type: 'INT64',
    },
    { name: 'last_modified_date', data: objects.map(() => new Date(0)), type: 'TIMESTAMP' },
  ]);
}

/** @param bucket into which the inventory is delivered */
export function inventoryOf(
  format: 'CSV' | 'Parquet',
  bucket: string,
  files: readonly (readonly InventoryObject[])[],
  change: Record<string, unknown> = {},
): Record<string, Buffer> {
  const delivered = files.map((objects, index) => {
    const name = `0000000${index}-85a9-4ba8-87bd-9db705a579ce.${format === 'CSV' ? 'csv.gz' : 'parquet'}`;
    const bytes = format === 'CSV' ? csvFile(objects) : parquetFile(objects);
    return { key: `${INVENTORY_FOLDER}data/${name}`, bytes };
  });
  const manifest = {
    sourceBucket: 'source-bucket',
    destinationBucket: `arn:aws:s3:::${bucket}`,
    version: '2016-11-30',
    creationTimestamp: '1764205200000',
    fileFormat: format,
    fileSchema: format === 'CSV' ? CSV_SCHEMA : PARQUET_SCHEMA,
    files: delivered.map(({ key, bytes }) => ({
      key,
      size: bytes.length,
      MD5checksum: createHash('md5').update(bytes).digest('hex'),
    })),
    ...change,
  };
  return {
    ...Object.fromEntries(delivered.map(({ key, bytes }) => [`${bucket}/${key}`, bytes])),
    [`${bucket}/${INVENTORY_MANIFEST}`]: Buffer.from(JSON.stringify(manifest, null, 2)),
  };
}
