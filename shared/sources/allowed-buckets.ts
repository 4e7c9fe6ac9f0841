// Which buckets a deployment reads from and writes to. Asked at ingest for each row, and once more before each transfer: the
// configuration may have changed meanwhile, and a message may come from somebody else.
import type { ObjectSource } from '../manifest/columns.ts';

export interface AllowedBuckets {
  /** Buckets that rows may name as sources. */
  sources: readonly string[] | 'any';
  destinations: readonly string[];
}

export interface Refusal {
  code: string;
  message: string;
}

export function refusalOfSource(
  source: ObjectSource,
  sources: AllowedBuckets['sources'],
): Refusal | undefined {
  if (source.kind !== 's3' || sources === 'any' || sources.includes(source.bucket)) return undefined;
  return {
    code: 'SourceNotAllowed',
    message: `source bucket "${source.bucket}" is not allowed: add it to the deployment's parameter sourceBuckets`,
  };
}

export function refusalOfDestination(
  bucket: string,
  destinations: AllowedBuckets['destinations'],
): Refusal | undefined {
  if (destinations.includes(bucket)) return undefined;
  return {
    code: 'DestinationNotAllowed',
    message: `destination bucket "${bucket}" is not allowed: add it to the deployment's parameter destinationBuckets`,
  };
}
