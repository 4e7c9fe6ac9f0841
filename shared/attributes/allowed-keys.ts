// Whether the deployment may use the key of KMS that a row or its job names.
import type { ObjectAttributes } from './object-attributes.ts';

/**
 * A key may be named by its ARN or, in the bucket's own account and region, by its id alone. An alias says nothing of the key
 * behind it: KMS answers for it when the object is written.
 * @param allowed ARNs of keys
 */
export function faultOfKey(
  { encryption }: ObjectAttributes,
  allowed: readonly string[],
): { code: string; message: string } | undefined {
  if (encryption?.kind !== 'kms' || encryption.key === undefined) return undefined;
  const { key } = encryption;
  if (/(^|:)alias\//.test(key) || allowed.some((arn) => arn === key || arn.endsWith(`:key/${key}`)))
    return undefined;
  return {
    code: 'KmsKeyNotAllowed',
    message: `the key "${key}" is not allowed: add its ARN to the deployment's parameter kmsKeys`,
  };
}
