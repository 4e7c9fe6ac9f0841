// Files that a manifest names: where they may lie, how many and how large they may be, and how they are read and checked.
//
// The writer of a manifest must not choose what ingest reads. A file is read from a bucket that the deployment reads anyway
// (`find` says so), and only below the folder that belongs to the manifest.
import { createHash } from 'node:crypto';
import type { StoredObject } from '../../keys/stored-object.ts';
import { boundedName } from '../../text/bounded.ts';
import { ConversionFault, type ConversionFile, type ConversionInput } from './conversion.ts';
import { SPLIT } from './json-lists.ts';

/** Files of a list: S3 Inventory writes about one for each million objects. */
const MAX_FILES = 100_000;
/** Bytes of a file: S3 Inventory's are below 2 GiB. */
const MAX_FILE_BYTES = 8 * 1024 ** 3;
/** Bytes of all files of a list. Ten times as much text would not fit into a job's slices. */
const MAX_LISTED_BYTES = 64 * 1024 ** 3;
/** A unit has files of so many bytes together, so that a thousand small ones are not a thousand units. */
const UNIT_BYTES = 32 * 1024 * 1024;

export interface ListedFile {
  bucket: string;
  key: string;
  /** As the list has it; undefined where it does not say. */
  sizeBytes?: number | undefined;
  /** Of the file's bytes, in hexadecimal; undefined where the list does not say. */
  md5?: string | undefined;
}

/** A list, as messages name it, and where its files lie. */
export interface ListLayout {
  what: string;
  /** The list's folder by the manifest's own key; undefined where that is not the key that its writer gave it. */
  folderOfManifest(key: string): string | undefined;
  /** The same by the key of a file. */
  folderOfFile(key: string): string | undefined;
  /** Why a file that lies nowhere in such a folder is refused. */
  misplaced(file: ListedFile): string;
}

/**
 * The files in groups, each of which is a unit.
 * @throws ConversionFault where there are too many, one is too large, or one lies outside of the list's folder
 */
export function checkedGroups(
  { manifest }: ConversionInput,
  files: readonly ListedFile[],
  layout: ListLayout,
): ListedFile[][] {
  checkFiles(files, folderOf(manifest, files, layout), layout.what);
  return groupFiles(files);
}

/** The manifest's own folder where it lies in its place, else the first file's. */
function folderOf(manifest: StoredObject, [first]: readonly ListedFile[], layout: ListLayout): string {
  if (first === undefined) return '';
  const own = manifest.bucket === first.bucket ? layout.folderOfManifest(manifest.key) : undefined;
  const folder = own ?? layout.folderOfFile(first.key);
  if (folder !== undefined) return folder;
  throw new ConversionFault('ListedFileRefused', `the ${layout.what} lists ${layout.misplaced(first)}`);
}

function checkFiles(files: readonly ListedFile[], folder: string, what: string): void {
  if (files.length > MAX_FILES)
    throw new ConversionFault(
      'ListTooLarge',
      `the ${what} lists ${files.length} files, above ${MAX_FILES}: ${SPLIT}`,
    );
  let total = 0;
  for (const { key, sizeBytes = 0 } of files) {
    const name = boundedName(key);
    if (!key.startsWith(folder) || key.split('/').includes('..'))
      throw new ConversionFault(
        'ListedFileRefused',
        `the ${what} lists ${name}, which is not below ${boundedName(folder)}: only files of its own folder are read`,
      );
    if (sizeBytes > MAX_FILE_BYTES)
      throw new ConversionFault(
        'ListTooLarge',
        `the ${what} lists ${name} of ${sizeBytes} bytes, above ${MAX_FILE_BYTES}`,
      );
    total += sizeBytes;
  }
  if (total > MAX_LISTED_BYTES)
    throw new ConversionFault(
      'ListTooLarge',
      `the files of the ${what} have ${total} bytes, above ${MAX_LISTED_BYTES}: ${SPLIT}`,
    );
}

/** Consecutive files together, up to `UNIT_BYTES` or one file. A file of unknown size stands alone. */
export function groupFiles(files: readonly ListedFile[]): ListedFile[][] {
  const groups: ListedFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const sizeBytes = file.sizeBytes ?? UNIT_BYTES;
    bytes += sizeBytes;
    if (bytes > UNIT_BYTES) {
      groups.push([]);
      bytes = sizeBytes;
    }
    groups.at(-1)?.push(file);
  }
  return groups;
}

/**
 * Looks the file up.
 * @throws ConversionFault where it is gone, has another size, or lies in a bucket that is not read
 */
export async function findFile({ find }: ConversionInput, listed: ListedFile): Promise<ConversionFile> {
  const { bucket, key, sizeBytes } = listed;
  const place = placeOf(listed);
  const found = await find({ bucket, key });
  if (found.kind === 'refused')
    throw new ConversionFault('ListedFileRefused', `${place} is not read: ${found.message}`);
  if (found.kind === 'missing')
    throw new ConversionFault(
      'ListedFileGone',
      `${place}, which the manifest lists, is not there, or ingest may not read it: drop the manifest while its files are kept, and check the bucket's policy and its KMS key`,
    );
  const { file } = found;
  if (file.sizeBytes > MAX_FILE_BYTES)
    throw new ConversionFault(
      'ListTooLarge',
      `${place} has ${file.sizeBytes} bytes, above ${MAX_FILE_BYTES}`,
    );
  if (sizeBytes !== undefined && sizeBytes !== file.sizeBytes)
    throw changed(place, `has ${file.sizeBytes} bytes, and the manifest says ${sizeBytes}`);
  return file;
}

/**
 * The file's bytes. Behind the last one its checksum is compared.
 * @throws ConversionFault where it is not that of the list
 */
export async function* readChecked(
  { read }: Pick<ConversionInput, 'read'>,
  listed: ListedFile,
  file: ConversionFile,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('md5');
  for await (const chunk of read(file, 0, file.sizeBytes)) {
    hash.update(chunk);
    yield chunk;
  }
  const md5 = hash.digest('hex');
  if (listed.md5 !== undefined && listed.md5.toLowerCase() !== md5)
    throw changed(placeOf(listed), `has the MD5 ${md5}, and the manifest says ${boundedName(listed.md5)}`);
}

export function placeOf({ bucket, key }: Pick<ListedFile, 'bucket' | 'key'>): string {
  return `s3://${boundedName(bucket)}/${boundedName(key)}`;
}

function changed(place: string, how: string) {
  return new ConversionFault(
    'ListedFileChanged',
    `${place} ${how}: it is not the file that was listed; drop the manifest with its own files`,
  );
}

/**
 * What is read of a listed file. Its faults name the file: a list may have thousands.
 * @throws ConversionFault
 */
export async function* ofListedFile(
  listed: ListedFile,
  text: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const place = placeOf(listed);
  try {
    yield* text;
  } catch (error) {
    if (!(error instanceof ConversionFault) || error.message.includes(place)) throw error;
    throw new ConversionFault(error.code, `${place}: ${error.message}`);
  }
}
