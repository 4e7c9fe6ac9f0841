// Conditional writes, which fauxqs lacks: `If-None-Match: *` and `If-Match` on PutObject, CopyObject and
// CompleteMultipartUpload.
//
// 412 PreconditionFailed             the object exists (or, for If-Match, is another); Condition names the header
// 404 NoSuchKey                      If-Match and no object
// 409 ConditionalRequestConflict     another conditional write of the same key is under way; the SDK does not retry it
//
// And `x-amz-copy-source-if-match` on CopyObject and UploadPartCopy: 412 where the source is another.
import { faultOf, type S3Fault } from './s3-answers.ts';

export interface WriteCondition {
  ifNoneMatch: boolean;
  ifMatch?: string;
}

const CONDITIONAL_OPERATIONS = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload']);

export function writeCondition(
  operation: string,
  headers: NodeJS.Dict<string | string[]>,
): WriteCondition | undefined {
  if (!CONDITIONAL_OPERATIONS.has(operation)) return undefined;
  const ifNoneMatch = headers['if-none-match'] === '*';
  const ifMatch = headers['if-match'];
  if (typeof ifMatch === 'string') return { ifNoneMatch, ifMatch };
  return ifNoneMatch ? { ifNoneMatch } : undefined;
}

/** S3 takes `*` alone in a write's If-None-Match. */
export function hasUnknownCondition(
  operation: string,
  { 'if-none-match': ifNoneMatch }: NodeJS.Dict<string | string[]>,
): boolean {
  return CONDITIONAL_OPERATIONS.has(operation) && ifNoneMatch !== undefined && ifNoneMatch !== '*';
}

export interface ConditionalWrites {
  /** Claims the key for one conditional write, from its headers to its end. @returns why it can't */
  begin(bucket: string, key: string): S3Fault | undefined;
  end(bucket: string, key: string): void;
}

export function createConditionalWrites(): ConditionalWrites {
  const underWay = new Set<string>();
  return {
    begin(bucket, key) {
      const name = `${bucket}/${key}`;
      if (underWay.has(name)) return faultOf(409, 'ConditionalRequestConflict');
      underWay.add(name);
      return undefined;
    },
    end: (bucket, key) => void underWay.delete(`${bucket}/${key}`),
  };
}

/** Asked in the same turn as the write, so that nothing comes between. @returns why it does not hold */
export function checkCondition(
  condition: WriteCondition,
  existing: { etag: string } | undefined,
): S3Fault | undefined {
  if (condition.ifMatch !== undefined && existing === undefined) return faultOf(404, 'NoSuchKey');
  if (condition.ifMatch !== undefined && unquoted(existing?.etag) !== unquoted(condition.ifMatch)) {
    return preconditionFailed('If-Match');
  }
  return condition.ifNoneMatch && existing !== undefined ? preconditionFailed('If-None-Match') : undefined;
}

/** @param source what is copied from; a copy of nothing fails by itself */
export function checkSource(
  operation: string,
  headers: NodeJS.Dict<string | string[]>,
  source: { etag: string } | undefined,
): S3Fault | undefined {
  const ifMatch = headers['x-amz-copy-source-if-match'];
  const isCopy = operation === 'CopyObject' || operation === 'UploadPartCopy';
  if (!isCopy || typeof ifMatch !== 'string' || source === undefined) return undefined;
  if (unquoted(source.etag) === unquoted(ifMatch)) return undefined;
  return preconditionFailed('x-amz-copy-source-If-Match');
}

/** As S3 spells it; the element names the condition (recorded on AWS by localstack's tests). */
function preconditionFailed(condition: string): S3Fault {
  return { ...faultOf(412, 'PreconditionFailed'), condition };
}

function unquoted(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', '');
}
