// The embedded services against the contracts that those in memory meet, too (tests/contract/memory.test.ts).
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../shared/time/clock.ts';
import { CONTRACT_BUCKETS, s3Contract } from '../contract/s3-contract.ts';
import { CONTRACT_QUEUES, sqsContract } from '../contract/sqs-contract.ts';
import { tableContract } from '../contract/table-contract.ts';
import { type Embedded, startEmbedded } from '../helpers/embedded.ts';
import { tableModel } from '../helpers/ledger-table.ts';

let embedded: Embedded;
let table: string;

beforeAll(async () => {
  const { name, definition } = await tableModel('LedgerTable');
  table = name;
  embedded = await startEmbedded({
    buckets: [{ name: CONTRACT_BUCKETS.plain }, { name: CONTRACT_BUCKETS.versioned, versioned: true }],
    queues: Object.entries(CONTRACT_QUEUES).map(([queue, attributes]) => ({ name: queue, attributes })),
    tables: [definition],
  });
});

afterAll(() => embedded?.stop());

describe('the embedded SQS', () =>
  sqsContract(() => ({
    sqs: embedded.sqs,
    urlOf: (queue) => `${embedded.emulators.endpoints.aws}/111122223333/${queue}`,
    pass: (ms) => systemClock.sleep(ms),
  })));

describe('the embedded S3', () => s3Contract(() => embedded.s3));

describe('the embedded table', () => tableContract(() => ({ dynamodb: embedded.dynamodb, table })));
