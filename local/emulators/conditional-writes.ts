// Conditional writes, which fauxqs lacks: `If-None-Match: *` and `If-Match` on PutObject, CopyObject and
// CompleteMultipartUpload.
//
// 412 PreconditionFailed             the object exists (or, for If-Match, is another)
// 404 NoSuchKey                      If-Match and no object
// 409 ConditionalRequestConflict     another conditional write of the same key is under way; the SDK does not retry it

export interface WriteCondition {
  ifNoneMatch: boolean;
  ifMatch?: string;
}

export type ConditionAnswer =
  | { kind: 'holds' }
  | { kind: 'fails'; status: 404 | 409 | 412; code: string; message: string };

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

export interface ConditionalWrites {
  /** Claims the key for one conditional write, from its headers to its end. */
  begin(bucket: string, key: string): ConditionAnswer;
  end(bucket: string, key: string): void;
}

export function createConditionalWrites(): ConditionalWrites {
  const underWay = new Set<string>();
  return {
    begin(bucket, key) {
      const name = `${bucket}/${key}`;
      if (underWay.has(name)) {
        return {
          kind: 'fails',
          status: 409,
          code: 'ConditionalRequestConflict',
          message:
            'The conditional request cannot succeed due to a conflicting operation against this resource.',
        };
      }
      underWay.add(name);
      return { kind: 'holds' };
    },
    end: (bucket, key) => void underWay.delete(`${bucket}/${key}`),
  };
}

/** Asked in the same turn as the write, so that nothing comes between. */
export function checkCondition(
  condition: WriteCondition,
  existing: { etag: string } | undefined,
): ConditionAnswer {
  if (condition.ifMatch !== undefined && existing === undefined) {
    return { kind: 'fails', status: 404, code: 'NoSuchKey', message: 'The specified key does not exist.' };
  }
  const mismatch =
    condition.ifMatch !== undefined && unquoted(existing?.etag) !== unquoted(condition.ifMatch);
  if (mismatch || (condition.ifNoneMatch && existing !== undefined)) {
    return {
      kind: 'fails',
      status: 412,
      code: 'PreconditionFailed',
      message: 'At least one of the pre-conditions you specified did not hold',
    };
  }
  return { kind: 'holds' };
}

function unquoted(etag: string | undefined): string | undefined {
  return etag?.replaceAll('"', '');
}
