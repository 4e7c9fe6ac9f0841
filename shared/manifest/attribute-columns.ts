// The columns that say what is set on an object beside its bytes, and what each may hold. What only a row and its job together
// show, such as the sum of their metadata, is checked where the two are known (attributes/row-attributes.ts).
import * as z from 'zod/mini';
import {
  BUCKET_KEY_CHOICES,
  ENCRYPTIONS,
  type EncryptionName,
  type Fault,
  faultOfChoice,
  faultOfContentEncoding,
  faultOfContentType,
  faultOfHeader,
  faultOfKmsKey,
  IF_EXISTS,
  STORAGE_CLASS_CHOICES,
  type StorageClassChoice,
} from '../attributes/checks.ts';
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../attributes/object-attributes.ts';
import { faultOfMetadata, faultOfTags } from '../attributes/text-pairs.ts';
import { type Check, fault, string, wrongType } from './column-checks.ts';
import type { RowFault } from './faults.ts';

function checked(column: string, code: RowFault, faultOf: (text: string) => Fault) {
  return string(column).check((payload) => {
    const found = faultOf(payload.value);
    if (found !== undefined) fault(payload, code, `${column} ${found}`);
  });
}

const header = (column: string) => z.exactOptional(checked(column, 'HeaderInvalid', faultOfHeader));

/** The choices are checked by hand, so that a wrong value has a code of its own. */
const choice = <Choice extends string>(column: string, code: RowFault, choices: readonly Choice[]) =>
  z.exactOptional(
    checked(column, code, (text) => faultOfChoice(text, choices)) as unknown as z.ZodMiniType<Choice>,
  );

/** Of NDJSON a member true or false, of CSV its text. */
const bucketKey = () =>
  z.exactOptional(
    z.union([z.boolean(), z.string()]).check((payload) => {
      const found = faultOfChoice(String(payload.value), BUCKET_KEY_CHOICES);
      if (found !== undefined) fault(payload, 'EncryptionInvalid', `bucket_key ${found}`);
    }) as unknown as z.ZodMiniType<boolean | 'true' | 'false'>,
  );

type Names = Readonly<Record<string, string>>;

/**
 * An object of names and values. It is checked by its own members alone and kept as it came: a schema of zod would copy it, and
 * lose a member that is called __proto__.
 */
function names(
  column: string,
  code: RowFault,
  faultOf: (entries: readonly (readonly [string, string])[]) => Fault,
) {
  const check: Check<unknown> = (payload) => {
    const { value } = payload;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      fault(payload, 'WrongType', wrongType(column, value, 'an object of names and strings'));
      return;
    }
    const entries = Object.entries(value as Record<string, unknown>);
    const wrong = entries.find(([, each]) => typeof each !== 'string');
    if (wrong !== undefined) {
      fault(payload, 'WrongType', wrongType(`a value in ${column}`, wrong[1]));
      return;
    }
    const found = faultOf(entries as [string, string][]);
    if (found !== undefined) fault(payload, code, `${column} ${found}`);
  };
  return z.exactOptional(z.unknown().check(check) as unknown as z.ZodMiniType<Names>);
}

/** Each column with what makes its schema: columns.ts makes them when a row needs them. */
export const attributeColumns = {
  content_type: () => z.exactOptional(checked('content_type', 'ContentTypeInvalid', faultOfContentType)),
  cache_control: () => header('cache_control'),
  content_disposition: () => header('content_disposition'),
  content_encoding: () =>
    z.exactOptional(checked('content_encoding', 'HeaderInvalid', faultOfContentEncoding)),
  content_language: () => header('content_language'),
  metadata: () => names('metadata', 'MetadataInvalid', faultOfMetadata),
  tags: () => names('tags', 'TagInvalid', faultOfTags),
  storage_class: () =>
    choice<StorageClassChoice>('storage_class', 'StorageClassInvalid', STORAGE_CLASS_CHOICES),
  encryption: () => choice<EncryptionName>('encryption', 'EncryptionInvalid', ENCRYPTIONS),
  kms_key: () => z.exactOptional(checked('kms_key', 'KmsKeyInvalid', faultOfKmsKey)),
  bucket_key: bucketKey,
  checksum_algorithm: () =>
    choice<ChecksumAlgorithm>('checksum_algorithm', 'ChecksumAlgorithmInvalid', CHECKSUM_ALGORITHMS),
  if_exists: () => choice<(typeof IF_EXISTS)[number]>('if_exists', 'IfExistsInvalid', IF_EXISTS),
};
