// API: takes manifests over HTTP, reports jobs and dead letters, and passes on orders to jobs. The routes are in routes.ts, with
// one handler each here.

import { expectOwners } from '../../shared/aws/bucket-owners.ts';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { createPresigner, type Presigner } from '../../shared/aws/presigned.ts';
import { createOwnerOf } from '../../shared/keys/owned-bucket.ts';
import { createIngestRequest } from '../../shared/queue/ingest-request.ts';
import { SCHEMA_VERSION } from '../../shared/queue/messages.ts';
import { createDeadLetterFiles } from '../../shared/report/dead-letters.ts';
import { type Clock, systemClock } from '../../shared/time/clock.ts';
import { systemRandom } from '../../shared/time/random.ts';
import type { Configuration } from '../runtime/configuration.ts';
import { createHandler } from '../runtime/instrument.ts';
import type { Telemetry } from '../runtime/telemetry.ts';
import { wireJobs, wireQueue } from '../runtime/wiring.ts';
import { apiConfiguration } from './configuration.ts';
import { createCreateUpload } from './create-upload.ts';
import { createGetReport } from './get-report.ts';
import { createJsonApi } from './json-api.ts';
import { createListDeadLetters, type ListDeadLettersDependencies } from './list-dead-letters.ts';
import { createOrderJob, type OrderJobDependencies } from './order-job.ts';
import { createPlanJob, type PlanJobDependencies } from './plan-job.ts';
import { createReadJobs, type ReadJobsDependencies } from './read-jobs.ts';
import { ROUTES } from './routes.ts';
import { createSubmitJob, type SubmitJobDependencies } from './submit-job.ts';

export interface ApiDependencies
  extends SubmitJobDependencies,
    PlanJobDependencies,
    ListDeadLettersDependencies,
    Omit<ReadJobsDependencies, 'ledger'>,
    Omit<OrderJobDependencies, 'ledger'> {
  clock: Clock;
  presigner: Presigner;
  ledger: ReadJobsDependencies['ledger'] & OrderJobDependencies['ledger'];
  telemetry: Pick<Telemetry, 'logger'>;
}

export function createApi(dependencies: ApiDependencies) {
  return createJsonApi(
    ROUTES,
    {
      submitJob: createSubmitJob(dependencies),
      createUpload: createCreateUpload(dependencies),
      planJob: createPlanJob(dependencies),
      getReport: createGetReport(dependencies),
      ...createReadJobs(dependencies),
      ...createOrderJob(dependencies),
      listDeadLetters: createListDeadLetters(dependencies),
    },
    dependencies.telemetry,
  );
}

function apiDependencies(env: Configuration<typeof apiConfiguration>, telemetry: Telemetry): ApiDependencies {
  const ownerOf = createOwnerOf(env.SPILLWAY_ACCOUNT_ID, env.SPILLWAY_MANIFEST_BUCKETS);
  const requestIngest = createIngestRequest(wireQueue(CLIENT_BUDGETS.api), env.SPILLWAY_INGEST_QUEUE_URL);
  const s3 = expectOwners(createS3Client({}, CLIENT_BUDGETS.api), ownerOf);
  return {
    s3,
    // Without expected owners: a link would carry them as signed parameters, which S3 documents as headers alone.
    presigner: createPresigner(createS3Client({}, CLIENT_BUDGETS.api)),
    clock: systemClock,
    random: systemRandom,
    inbox: env.SPILLWAY_INBOX_BUCKET,
    reportBucket: env.SPILLWAY_REPORT_BUCKET,
    manifestBuckets: env.SPILLWAY_MANIFEST_BUCKETS.map(({ bucket }) => bucket),
    destinationBuckets: env.SPILLWAY_DESTINATION_BUCKETS.map(({ bucket }) => bucket),
    sources: {
      buckets: env.SPILLWAY_SOURCE_BUCKETS.map(({ bucket }) => bucket),
      hosts: env.SPILLWAY_SOURCE_HOSTS,
    },
    kmsKeys: env.SPILLWAY_KMS_KEYS,
    cut: { sliceBytes: env.SPILLWAY_SLICE_BYTES, blockRows: env.SPILLWAY_BLOCK_ROWS },
    ...wireJobs(env, CLIENT_BUDGETS.api),
    notifyResume: (job) => requestIngest({ v: SCHEMA_VERSION, kind: 'resume', job }),
    deadLetters: createDeadLetterFiles({ s3, bucket: env.SPILLWAY_REPORT_BUCKET }),
    keepDays: env.SPILLWAY_REPORT_DAYS,
    telemetry,
  };
}

export const handler = createHandler(apiConfiguration, apiDependencies, createApi);
