// Where files go: s3://BUCKET/PATH, as the command line of `put` names it.
import {
  faultOfPath,
  folderPrefix,
  splitDestination,
  splitObjectPath,
} from '../../shared/keys/destination.ts';
import { type Destination, destinationOf } from '../../shared/keys/destination-key.ts';
import { usageFailure } from '../failure.ts';

export interface PutDestination {
  bucket: string;
  /** As it was named, with or without a closing slash. */
  path: string;
}

/** A key in two parts, so that a spread can go between them. */
export interface ObjectPlace {
  /** Ends in `/`, or is empty. */
  prefix: string;
  /** The file's name, with the folders that it keeps. */
  key: string;
}

/** All arguments before the last are paths, so a destination that was forgotten is a wrong destination. */
export function parseDestination(text: string): PutDestination {
  const destination = splitDestination(text);
  if (destination === undefined) {
    throw usageFailure(`${text} is not s3://BUCKET/PREFIX: the last argument says where the files go`);
  }
  const fault = faultOfPath(destination.path);
  if (fault !== undefined) throw usageFailure(`the destination ${text} ${fault}`);
  return destination;
}

/**
 * The path is a folder, with one exception: for the only file that was named, a path without a closing slash is its key.
 * So `put final.csv s3://b/2026/` and `put report.csv s3://b/2026/final.csv` write the same key, also where it is spread.
 */
export function placeOf({ path }: PutDestination, file: { key: string; isOnly: boolean }): ObjectPlace {
  if (!file.isOnly || path === '' || path.endsWith('/')) return { prefix: folderPrefix(path), key: file.key };
  const { prefix, name } = splitObjectPath(path);
  return { prefix, key: name };
}

export function addressOf(
  { prefix, key }: ObjectPlace,
  { bucket, spread }: { bucket: string; spread: string },
): Destination {
  return destinationOf({ key }, { destination: { bucket, prefix }, spread });
}
