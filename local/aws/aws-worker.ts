// The worker thread of S3, SQS and EventBridge: fauxqs behind the gateway.
import type { AddressInfo } from 'node:net';
import { workerData } from 'node:worker_threads';
import { buildApp } from 'fauxqs';
import { systemClock as clock } from '../../shared/time/clock.ts';
import { createRandom } from '../../shared/time/random.ts';
import { type Fault, isS3Fault, isSqsFault } from '../faults/fault.ts';
import { createOutages, type OutageService } from '../faults/outages.ts';
import { createS3Faults } from '../faults/s3.ts';
import { createSqsFaults } from '../faults/sqs.ts';
import { createGuard } from '../guard/admission.ts';
import { createAuthorizer } from '../iam/authorizer.ts';
import { createMeter } from '../meter/meter.ts';
import type { AwsWorkerOptions, Delivery } from './emulators.ts';
import { createEventBus } from './eventbridge/event-bus.ts';
import type { Stores } from './fauxqs-parts.ts';
import { createGateway } from './gateway.ts';
import type { LambdaAnswer } from './lambda/lambda-http.ts';
import { createConditionalWrites } from './s3/conditional-writes.ts';
import { createMultipartUploads } from './s3/multipart-uploads.ts';
import { createNotifications } from './s3/notifications.ts';
import { createObjectHeaders } from './s3/object-headers.ts';
import { createObjectRequests } from './s3/object-requests.ts';
import { ObjectStore } from './s3/object-store.ts';
import { createBucketOwners } from './s3/owners.ts';
import { createS3Permissions } from './s3/permissions.ts';
import { createS3Limits } from './s3/s3-limits.ts';
import { createSpool } from './s3/spool.ts';
import { hideUnemulated } from './s3/unemulated.ts';
import { QueueStore } from './sqs/queue-store.ts';
import { addSqsHooks } from './sqs/sqs-hooks.ts';
import { answerCalls } from './worker-calls.ts';

const options = workerData as AwsWorkerOptions;
const { region, accountId, buckets, seed, limit } = options;
const { shuffleWindow = 0, duplicateShare = 0, mostDelayMs } = options.fidelity ?? {};

const objects = new ObjectStore(clock);
for (const bucket of buckets) {
  objects.addBucket(bucket.name);
  if (bucket.versioned === true) objects.setVersioned(bucket.name);
}
// Each use of chance has a generator of its own, so that one more fault does not reshuffle the receives.
const s3Faults = createS3Faults(createRandom(seed + 1));
const sqsFaults = createSqsFaults(createRandom(seed + 3));
const outages = createOutages({ clock });
const queues = new QueueStore(
  { clock, random: createRandom(seed), faults: sqsFaults },
  { accountId, region, queues: options.queues, shuffleWindow, duplicateShare, mostDelayMs },
);
const meter = createMeter({ clock });
const limits = new Map(
  limit === undefined
    ? []
    : buckets.filter(({ throttled }) => throttled === true).map(({ name }) => [name, createS3Limits(limit)]),
);
const authorizer = createAuthorizer(options.roles ?? [], options);
const owners = createBucketOwners(accountId, buckets);
const notifications = createNotifications(
  { clock, random: createRandom(seed + 2), deliver, ownerOf: owners.ownerOf },
  { buckets, region, duplicateShare },
);

/** Into a queue whose policy allows it, else nowhere: AWS's services drop what a queue refuses. */
function deliver({ queueArn, body, ...source }: Delivery): string | undefined {
  const request = { action: 'sqs:SendMessage', resource: queueArn };
  const refusal = authorizer.denyService({ kind: 'service', ...source }, request);
  if (refusal === undefined) queues.getQueueByArn(queueArn)?.send(body);
  return refusal;
}

const guard = createGuard(options);
const worker = answerCalls({
  ownPorts: (ports: number[]) => guard.addOwnPorts(ports),
  meter: () => {
    const reading = meter.read();
    for (const [bucket, bucketLimits] of limits) {
      const counted = Object.hasOwn(reading.s3.buckets, bucket) ? reading.s3.buckets[bucket] : undefined;
      reading.s3.buckets[bucket] = {
        operations: {},
        writesBySecond: [],
        ...counted,
        limits: bucketLimits.read(clock.now()),
      };
    }
    return reading;
  },
  access: () => authorizer.record(),
  deliver,
  queueDepths: () =>
    Object.fromEntries(Array.from(queues.allQueues(), (queue) => [queue.name, queue.depth()])),
  setFaults: (armed: Fault[]) => {
    s3Faults.arm(armed.filter(isS3Fault));
    sqsFaults.arm(armed.filter(isSqsFault));
  },
  faultCounts: () => ({ ...s3Faults.counts(), ...sqsFaults.counts(), ...outages.counts() }),
  outage: ({ service, lastsMs }: { service: OutageService; lastsMs: number }) =>
    outages.begin(service, lastsMs),
});
const bus = createEventBus({ clock, onEntry: (entry) => worker.notify('event', entry) });

const app = buildApp({
  logger: false,
  defaultRegion: region,
  // In fauxqs' shape as far as its routes go; it makes its own SNS store.
  stores: { sqsStore: queues, s3Store: objects } as unknown as Stores,
});
hideUnemulated(app);
addSqsHooks(app, { authorizer, queues, faults: sqsFaults, meter, region, accountId });
const onFailure = (error: unknown) =>
  worker.notify(
    'failure',
    `aws emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
const objectHeaders = createObjectHeaders();
const uploads = createMultipartUploads();
const objectRequests = createObjectRequests({
  clock,
  notifications,
  objectHeaders,
  objects,
  onFailure,
  spool: createSpool(options.spoolFolder, onFailure),
  uploads,
});
const gateway = createGateway({
  accountId,
  app,
  askLambda: async (call) => (await worker.ask('lambda', call)) as LambdaAnswer,
  authorizer,
  bus,
  clock,
  conditionalWrites: createConditionalWrites(),
  faults: s3Faults,
  guard,
  latencies: options.latencies,
  limits,
  meter,
  notifications,
  objectHeaders,
  objectRequests,
  objects,
  onFailure,
  outages,
  owners,
  permissions: createS3Permissions({ authorizer, clock, objectHeaders, objects, owners }, options),
  region,
  uploads,
});
await app.ready();

process.on('uncaughtException', onFailure);
gateway.once('error', (error) => worker.notReady(error));
gateway.listen(options.ports?.aws ?? 0, '127.0.0.1', () => {
  queues.port = (gateway.address() as AddressInfo).port;
  queues.createAll();
  const refusal = notifications.sendTestEvents();
  if (refusal === undefined) worker.ready(queues.port);
  else worker.notReady(new Error(refusal));
});
