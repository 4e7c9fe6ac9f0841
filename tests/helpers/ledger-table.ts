// The ledger's table and that of outcomes, as serverless.yml has them, on an in-process DynamoDB.
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';
import type { JobId, SliceId } from '../../shared/job/identity.ts';
import { isLive, type LiveJob } from '../../shared/job/job.ts';
import { createLedger, type Ledger } from '../../shared/ledger/ledger.ts';
import { createRandom } from '../../shared/time/random.ts';
import { duringTests } from './during-tests.ts';
import { inProcess } from './in-process-handler.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export interface LedgerTable {
  dynamodb: DynamoDBClient;
  table: string;
  outcomes: string;
  stop(): Promise<void>;
}

/** A table as serverless.yml describes it. */
export async function tableModel(
  id: 'LedgerTable' | 'OutcomesTable',
): Promise<{ name: string; definition: CreateTableCommandInput }> {
  const { tables } = await readService(SERVICE_FILE);
  const model = tables[id];
  if (model === undefined) throw new Error(`serverless.yml has no ${id}`);
  return { name: model.name, definition: model.definition as CreateTableCommandInput };
}

export async function startLedgerTable(): Promise<LedgerTable> {
  const server = dynalite({ createTableMs: 0 });
  const dynamodb = new DynamoDBClient({
    ...inProcess(server),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const [ledger, outcomes] = await Promise.all([tableModel('LedgerTable'), tableModel('OutcomesTable')]);
  for (const { definition } of [ledger, outcomes]) {
    await dynamodb.send(new CreateTableCommand(definition));
    await untilActive(dynamodb, definition.TableName);
  }
  return {
    dynamodb,
    table: ledger.name,
    outcomes: outcomes.name,
    async stop() {
      dynamodb.destroy();
    },
  };
}

/** A table is created behind the answer that tells so. */
async function untilActive(dynamodb: DynamoDBClient, TableName: string | undefined): Promise<void> {
  for (;;) {
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === 'ACTIVE') return;
    await new Promise(setImmediate);
  }
}

/** A table for all tests of the file, or of the describe, that asks for it. */
export function useLedgerTable(): Omit<LedgerTable, 'stop'> {
  return duringTests(startLedgerTable);
}

export interface TestLedger extends Ledger {
  clock: VirtualClock;
  /** Every slice that the ledger reported as closed, in order; it may report one more than once. */
  closed: SliceId[];
  /** @throws where the job was not opened, or has ended */
  liveJob(id: JobId): Promise<LiveJob>;
}

export function openLedger(
  { dynamodb, table }: Pick<LedgerTable, 'dynamodb' | 'table'>,
  sliceClosed: (slice: SliceId) => Promise<void> = async () => undefined,
): TestLedger {
  const clock = createVirtualClock();
  const closed: SliceId[] = [];
  const ledger = createLedger({
    dynamodb,
    table,
    clock,
    random: createRandom(1),
    sliceClosed: async (slice) => {
      closed.push(slice);
      await sliceClosed(slice);
    },
  });
  const liveJob = async (id: JobId) => {
    const job = await ledger.getJob(id);
    if (job === undefined || !isLive(job)) throw new Error(`job ${id} is ${job?.state}, and does not live`);
    return job;
  };
  return Object.assign(ledger, { clock, closed, liveJob });
}
