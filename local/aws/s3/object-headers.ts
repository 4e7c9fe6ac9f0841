// Properties of objects that fauxqs does not keep. S3 answers a GET or HEAD with them, and a copy has them as it asks for:
// Expires like other metadata; storage class, encryption and redirect only where the copy names them.
import type { IncomingMessage } from 'node:http';
import type { S3Object } from '../fauxqs-parts.ts';
import type { S3Request } from './s3-requests.ts';

const COPIED = ['expires'] as const;
const ENCRYPTION = [
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-bucket-key-enabled',
] as const;
const KEPT = [...COPIED, ...ENCRYPTION, 'x-amz-storage-class', 'x-amz-website-redirect-location'] as const;

type Kept = { [Name in (typeof KEPT)[number]]?: string };

export interface ObjectHeaders {
  /** @param source what a copy is made from */
  wrote(request: Pick<IncomingMessage, 'headers'>, object: S3Object, source: S3Object | undefined): void;
  of({ operation }: S3Request, object: S3Object): Kept;
  /** The key of KMS under which it is stored, where the write named one. */
  keyOf(object: S3Object): string | undefined;
  /** Its storage class, by S3's name. */
  classOf(object: S3Object): string;
  /** Whether its class has to be restored before it is read. Nothing is restored here. */
  isArchived(object: S3Object): boolean;
}

const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE']);

export function createObjectHeaders(): ObjectHeaders {
  const kept = new WeakMap<S3Object, Kept>();
  return {
    wrote({ headers }, object, source) {
      const isCopied = source !== undefined && headers['x-amz-metadata-directive'] !== 'REPLACE';
      const own: Kept = {};
      for (const name of KEPT) {
        const value = headers[name];
        if (typeof value === 'string') own[name] = value;
      }
      if (isCopied) {
        for (const name of COPIED) {
          delete own[name];
          const value = kept.get(source)?.[name];
          if (value !== undefined) own[name] = value;
        }
      }
      // S3 names every class but that of most objects.
      if (own['x-amz-storage-class'] === 'STANDARD') delete own['x-amz-storage-class'];
      if (Object.keys(own).length > 0) kept.set(object, own);
    },
    keyOf: (object) => kept.get(object)?.['x-amz-server-side-encryption-aws-kms-key-id'],
    classOf: (object) => kept.get(object)?.['x-amz-storage-class'] ?? 'STANDARD',
    isArchived: (object) => ARCHIVES.has(kept.get(object)?.['x-amz-storage-class'] ?? ''),
    of({ operation }, object) {
      const all = kept.get(object) ?? {};
      if (operation === 'HeadObject' || operation === 'GetObject') return all;
      return Object.fromEntries(
        ENCRYPTION.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
      );
    },
  };
}
