// The services in memory against the contracts that the embedded cloud meets, too (tests/integration/contracts.test.ts).
import { describe } from 'vitest';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { startLedgerTable } from '../helpers/ledger-table.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { CONTRACT_BUCKETS, s3Contract } from './s3-contract.ts';
import { CONTRACT_QUEUES, sqsContract } from './sqs-contract.ts';
import { tableContract } from './table-contract.ts';

describe('SQS in memory', () => {
  const clock = createVirtualClock();
  const sqs = createMemorySqs({ clock, random: () => 0 }, { queues: CONTRACT_QUEUES });
  sqsContract(() => ({
    sqs: sqs.client,
    urlOf: (queue) => `https://sqs.example/111122223333/${queue}`,
    pass: async (ms) => clock.advance(ms),
  }));
});

describe('S3 in memory', () => {
  const { client } = createMemoryS3({ versioned: [CONTRACT_BUCKETS.versioned] });
  s3Contract(() => client);
});

describe('the table in process', () => {
  const table = duringTests(startLedgerTable);
  tableContract(() => table);
});
