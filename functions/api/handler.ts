// API: takes manifests over HTTP, reports jobs and dead letters, and passes on orders to jobs. The routes are in routes.ts, with
// one handler each here.

import { expectOwners } from '../../shared/aws/bucket-owners.ts';
import { CLIENT_BUDGETS } from '../../shared/aws/budgets.ts';
import { createS3Client } from '../../shared/aws/clients.ts';
import { createDeadLetterFiles } from '../../shared/report/dead-letters.ts';
import { readConfiguration } from '../runtime/configuration.ts';
import { instrument } from '../runtime/instrument.ts';
import { createTelemetry, type Telemetry } from '../runtime/telemetry.ts';
import { wireJobs, wireQueue } from '../runtime/wiring.ts';
import { apiConfiguration } from './configuration.ts';
import { createJsonApi } from './json-api.ts';
import { createListDeadLetters, type ListDeadLettersDependencies } from './list-dead-letters.ts';
import { createOrderJob, type OrderJobDependencies } from './order-job.ts';
import { createReadJobs, type ReadJobsDependencies } from './read-jobs.ts';
import { createResumeNotice } from './resume-notice.ts';
import { ROUTES } from './routes.ts';
import { createSubmitJob, type SubmitJobDependencies } from './submit-job.ts';

export interface ApiDependencies
  extends SubmitJobDependencies,
    ListDeadLettersDependencies,
    Omit<ReadJobsDependencies, 'ledger'>,
    Omit<OrderJobDependencies, 'ledger'> {
  ledger: ReadJobsDependencies['ledger'] & OrderJobDependencies['ledger'];
  telemetry: Pick<Telemetry, 'logger'>;
}

export function createApi(dependencies: ApiDependencies) {
  return createJsonApi(
    ROUTES,
    {
      submitJob: createSubmitJob(dependencies),
      ...createReadJobs(dependencies),
      ...createOrderJob(dependencies),
      listDeadLetters: createListDeadLetters(dependencies),
    },
    dependencies.telemetry,
  );
}

function dependenciesFromEnvironment(telemetry: Telemetry): ApiDependencies {
  const env = readConfiguration(apiConfiguration);
  const s3 = expectOwners(createS3Client({}, CLIENT_BUDGETS.api), () => env.SPILLWAY_ACCOUNT_ID);
  return {
    s3,
    inbox: env.SPILLWAY_INBOX_BUCKET,
    destinationBuckets: env.SPILLWAY_DESTINATION_BUCKETS.map(({ bucket }) => bucket),
    ...wireJobs(env, CLIENT_BUDGETS.api),
    notifyResume: createResumeNotice(wireQueue(CLIENT_BUDGETS.api), env.SPILLWAY_INGEST_QUEUE_URL),
    deadLetters: createDeadLetterFiles({ s3, bucket: env.SPILLWAY_REPORT_BUCKET }),
    deadLetterDays: env.SPILLWAY_REPORT_DAYS,
    telemetry,
  };
}

const telemetry = createTelemetry();

export const handler = instrument(telemetry, () => createApi(dependenciesFromEnvironment(telemetry)));
