// The arrival of a manifest that can't be opened, again after a delivery that was cut short between the job's row and its end.
import type { Context, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { IngestDependencies } from '../../functions/ingest/dependencies.ts';
import { createIngest } from '../../functions/ingest/handler.ts';
import { countedEnds } from '../../functions/runtime/counted-ends.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { createMemorySqs } from '../../lab/memory/sqs.ts';
import { jobIdOfManifest } from '../../shared/job/identity.ts';
import type { Job } from '../../shared/job/job.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { openLedger, startLedgerTable } from '../helpers/ledger-table.ts';

const ARRIVAL = { bucket: 'inbox', key: 'gone.csv', versionId: 'v-unopened' };
const CONTEXT = { awsRequestId: 'r', getRemainingTimeInMillis: () => 120_000 } as Context;

const table = duringTests(startLedgerTable);

describe('a manifest that can not be opened', () => {
  it('has its end reported by the next delivery of its arrival', async () => {
    const ledger = openLedger(table);
    const { client: s3 } = createMemoryS3({ versioned: ['inbox'] });
    const chance = { clock: ledger.clock, random: () => 0 };
    const sqs = createMemorySqs(chance, { queues: { ingest: {} } });
    const told: string[] = [];
    let isBusAway = true;
    const ended = async ({ state }: Job) => {
      if (isBusAway) throw new Error('EventBridge is away');
      told.push(state);
    };
    const counted: Record<string, number> = {};
    const telemetry = {
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
      count: (sums: Record<string, number>) => {
        for (const [name, sum] of Object.entries(sums)) counted[name] = (counted[name] ?? 0) + sum;
      },
    };
    const ingest = createIngest({
      blocks: { s3, clock: ledger.clock, random: () => 0, sources: { buckets: [] } },
      inbox: 'inbox',
      retrySeconds: [10],
      destinationBuckets: ['destination'],
      manifestBuckets: [],
      keepDays: 100,
      ledger,
      end: {
        ledger: countedEnds(ledger, telemetry),
        ...{ events: { ended }, reports: { s3, bucket: 'reports' } },
      },
      queue: { sqs: sqs.client, ...chance },
      ingestQueueUrl: 'ingest',
      clock: ledger.clock,
      cut: { sliceBytes: 100, blockRows: 2 },
      telemetry,
    } as unknown as IngestDependencies);
    const { bucket, ...object } = ARRIVAL;
    const notification = {
      Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: bucket }, object } }],
    };
    const event = {
      Records: [
        {
          messageId: 'm1',
          receiptHandle: 'r1',
          body: JSON.stringify(notification),
          attributes: { ApproximateReceiveCount: '1' },
        },
      ],
    } as unknown as SQSEvent;

    expect(await ingest(event, CONTEXT)).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] });
    isBusAway = false;
    expect(await ingest(event, CONTEXT)).toEqual({ batchItemFailures: [] });
    const job = await ledger.getJob(jobIdOfManifest(ARRIVAL));
    expect(job).toMatchObject({ state: 'failed', fault: { code: 'ManifestGone' } });
    expect(told).toEqual(['failed']);
    expect(counted['JobsFailed']).toBe(1);
  });
});
