// DynamoDB's faults: of whole calls, and of single keys of a batch.
import type { Random } from '../../shared/time/random.ts';
import type { DynamodbFault } from './fault.ts';
import { createFaultPoints, type FaultPoints } from './fault-points.ts';

export interface DynamodbFaults extends Pick<FaultPoints<DynamodbFault>, 'arm' | 'counts'> {
  forCall(
    operation: string,
  ): { kind: 'refused'; answer: DynamodbError } | { kind: 'dropped'; when: 'before' | 'after' } | undefined;
  /** Takes keys out of a batch call. @returns what remains of the call, and what its answer has to name unprocessed */
  takeUnprocessed(operation: string, call: Call): { call: Call; unprocessed: Batch } | undefined;
}

export interface DynamodbError {
  status: number;
  body: string;
}

type Call = Record<string, unknown>;
/** RequestItems: by table, keys to get under `Keys`, or a list of writes. */
type Batch = Record<string, unknown[] | { Keys?: unknown[] }>;

/** As DynamoDB answers them, each with its namespace. */
const THROTTLED = {
  ProvisionedThroughputExceededException: {
    type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
    message: 'The level of configured provisioned throughput for the table was exceeded.',
  },
  ThrottlingException: {
    type: 'com.amazon.coral.availability#ThrottlingException',
    message: 'Rate of requests exceeds the allowed throughput.',
  },
} as const;

const FAILED = {
  500: {
    type: 'com.amazonaws.dynamodb.v20120810#InternalServerError',
    message: 'The request could not be processed because of an internal failure.',
  },
  503: {
    type: 'com.amazonaws.dynamodb.v20120810#ServiceUnavailable',
    message: 'The service is unavailable.',
  },
} as const;

/** The member of the answer that names what was left. */
export const UNPROCESSED: ReadonlyMap<string, string> = new Map([
  ['BatchGetItem', 'UnprocessedKeys'],
  ['BatchWriteItem', 'UnprocessedItems'],
]);

export function createDynamodbFaults(random: Random): DynamodbFaults {
  const points = createFaultPoints<DynamodbFault>(random);
  const fits = (operation: string) => (fault: DynamodbFault) => fault.operations?.includes(operation) ?? true;

  return {
    arm: points.arm,
    forCall(operation) {
      const fault = points.strike(fits(operation), 'dynamodb-throttled', 'dynamodb-error', 'dynamodb-drop');
      switch (fault?.kind) {
        case undefined:
          return undefined;
        case 'dynamodb-drop':
          return { kind: 'dropped', when: fault.when };
        case 'dynamodb-throttled':
          return { kind: 'refused', answer: errorOf(400, THROTTLED[fault.code]) };
        case 'dynamodb-error':
          return { kind: 'refused', answer: errorOf(fault.status, FAILED[fault.status]) };
      }
    },

    takeUnprocessed(operation, call) {
      if (!UNPROCESSED.has(operation)) return undefined;
      const strikes = () => points.strike(fits(operation), 'dynamodb-unprocessed') !== undefined;
      const kept: Batch = {};
      const unprocessed: Batch = {};
      for (const [table, asked] of Object.entries((call.RequestItems ?? {}) as Batch)) {
        const all = Array.isArray(asked) ? asked : (asked.Keys ?? []);
        const left = new Set(all.filter(strikes));
        const part = (entries: unknown[]) => (Array.isArray(asked) ? entries : { ...asked, Keys: entries });
        if (left.size < all.length) kept[table] = part(all.filter((entry) => !left.has(entry)));
        if (left.size > 0) unprocessed[table] = part([...left]);
      }
      if (Object.keys(unprocessed).length === 0) return undefined;
      return { call: { ...call, RequestItems: kept }, unprocessed };
    },

    counts: points.counts,
  };
}

/** What DynamoDB answers where it could process no key at all (API reference, BatchGetItem). */
export const NOTHING_PROCESSED: DynamodbError = errorOf(
  400,
  THROTTLED.ProvisionedThroughputExceededException,
);

export function errorOf(status: number, { type, message }: { type: string; message: string }): DynamodbError {
  return { status, body: JSON.stringify({ __type: type, message }) };
}
