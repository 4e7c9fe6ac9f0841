// The columns that say what is set on an object beside its bytes, and what each may hold. What only a row and its job together
// show, such as the sum of their metadata, is checked where the two are known (attributes/row-attributes.ts).
import {
  BUCKET_KEY_CHOICES,
  ENCRYPTIONS,
  type Fault,
  faultOfChoice,
  faultOfContentEncoding,
  faultOfContentType,
  faultOfHeader,
  faultOfKmsKey,
  IF_EXISTS,
  STORAGE_CLASS_CHOICES,
} from '../attributes/checks.ts';
import { CHECKSUM_ALGORITHMS } from '../attributes/object-attributes.ts';
import type { RowAttributes } from '../attributes/row-attributes.ts';
import { faultOfMetadata, faultOfTags } from '../attributes/text-pairs.ts';
import { isRecord } from '../text/parse-json.ts';
import { type Check, checked, fault, string, wrongType } from './column-checks.ts';
import type { RowFault } from './faults.ts';

/** What a row may say of its object beside its bytes. */
export type AttributeColumns = RowAttributes & { if_exists?: (typeof IF_EXISTS)[number] };

const text = (code: RowFault, faultOf: (text: string) => Fault) => string(checked(code, faultOf));

const header = text('HeaderInvalid', faultOfHeader);

const choice = (code: RowFault, choices: readonly string[]) =>
  text(code, (value) => faultOfChoice(value, choices));

const bucketKey: Check<unknown> = (payload) => {
  const { column, value } = payload;
  if (typeof value !== 'string' && typeof value !== 'boolean') {
    fault(payload, 'WrongType', wrongType(column, value, 'true or false'));
    return;
  }
  const found = faultOfChoice(String(value), BUCKET_KEY_CHOICES);
  if (found !== undefined) fault(payload, 'EncryptionInvalid', `${column} ${found}`);
};

/** An object of names and values. It is checked by its own members alone, and kept as it came. */
function names(
  code: RowFault,
  faultOf: (entries: readonly (readonly [string, string])[]) => Fault,
): Check<unknown> {
  return (payload) => {
    const { column, value } = payload;
    if (!isRecord(value)) {
      fault(payload, 'WrongType', wrongType(column, value, 'an object of names and strings'));
      return;
    }
    const entries = Object.entries(value);
    const wrong = entries.find(([, each]) => typeof each !== 'string');
    if (wrong !== undefined) {
      fault(payload, 'WrongType', wrongType(`a value in ${column}`, wrong[1]));
      return;
    }
    const found = faultOf(entries as [string, string][]);
    if (found !== undefined) fault(payload, code, `${column} ${found}`);
  };
}

export const attributeColumns: Readonly<Record<keyof AttributeColumns, Check<unknown>>> = {
  content_type: text('ContentTypeInvalid', faultOfContentType),
  cache_control: header,
  content_disposition: header,
  content_encoding: text('HeaderInvalid', faultOfContentEncoding),
  content_language: header,
  metadata: names('MetadataInvalid', faultOfMetadata),
  tags: names('TagInvalid', faultOfTags),
  storage_class: choice('StorageClassInvalid', STORAGE_CLASS_CHOICES),
  encryption: choice('EncryptionInvalid', ENCRYPTIONS),
  kms_key: text('KmsKeyInvalid', faultOfKmsKey),
  bucket_key: bucketKey,
  checksum_algorithm: choice('ChecksumAlgorithmInvalid', CHECKSUM_ALGORITHMS),
  if_exists: choice('IfExistsInvalid', IF_EXISTS),
};
