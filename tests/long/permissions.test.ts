// Least privilege: the embedded cloud denies what a role does not allow, so a run through every path shows which permissions are
// needed. None may be missing, and none may be there that nothing uses or that another statement gives as well.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessRecord } from '../../local/iam/authorizer.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import { KMS_KEY, takeEveryPath, VERSIONED_LISTS, VERSIONED_SOURCE } from '../helpers/permission-run.ts';
import { type PipelineCloud, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** Bounds a run that hangs: one takes under a minute. */
const RUN_MS = 900_000;
/** Lambda's longest timeout. */
const LONG_SECONDS = 900;

interface Unused {
  role: string;
  actions: readonly string[];
  /** What all resources of the statement match, where other statements of the role have the action too. */
  on?: RegExp;
  /** No run uses it, whatever the order in which things happen: then the entry has to be needed. */
  isNever?: true;
  reason: string;
}

/** Where manifests lie. */
const MANIFEST_BUCKETS = /-inbox-|spillway-test-lists/;
const MANIFEST_READERS = ['IngestRole', 'SettleRole', 'DeadLettersRole'];
const POLLED = ['IngestRole', 'UploadRole', 'SettleRole', 'DeadLettersRole'];
const ALL_ROLES = [...POLLED, 'SweepRole', 'ApiRole'];

/** Permissions that no run on the embedded cloud uses, with the reason why they are there. */
const UNUSED: readonly Unused[] = [
  ...ALL_ROLES.map((role) => ({
    role,
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    isNever: true as const,
    reason: 'Lambda writes the logs of a function under its role; no request of a function does',
  })),
  ...POLLED.map((role) => ({
    role,
    actions: ['sqs:GetQueueAttributes'],
    on: /-(ingest|settle|dead-letters)$/,
    isNever: true as const,
    reason: 'Lambda asks for it when an event source is made',
  })).filter(({ role }) => role !== 'UploadRole'),
  ...['IngestRole', 'UploadRole'].map((role) => ({
    role,
    actions: ['sqs:GetQueueAttributes'],
    on: /-upload$/,
    reason:
      'a slice that waits for others, a batch that waits for its pace: tests/unit/{hold-slice,watch-queue}.test.ts',
  })),
  ...MANIFEST_READERS.map((role) => ({
    role,
    actions: ['s3:ListBucketVersions'],
    isNever: true as const,
    reason:
      'without it S3 answers 403, not 404, for a version that is gone; the embedded S3 asks for s3:ListBucket',
  })),
  ...MANIFEST_READERS.map((role) => ({
    role,
    actions: ['s3:GetObject'],
    on: MANIFEST_BUCKETS,
    reason: 'an inbox without versions: tests/integration/edges.test.ts',
  })),
  {
    role: 'UploadRole',
    actions: ['sqs:SendMessage'],
    on: /-upload$/,
    reason: 'a repost: tests/integration/faults.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['s3:PutObject'],
    on: /-reports-.*\/outcomes\//,
    reason: 'outcomes of a full batch, too many for a row: tests/integration/cli-demo.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['dynamodb:GetItem'],
    reason:
      'a row that another worker changed meanwhile, or that a copy in parts is kept in: tests/long/running-job-rate.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['s3:GetObject'],
    on: /-destination-/,
    reason: 'a look at an object after an answer that was lost: tests/integration/faults.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:GetObject'],
    on: /-reports-/,
    reason:
      'outcomes of a full batch, and rows of a redrive that was ended early: tests/integration/redrive.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    isNever: true,
    reason: 'copies in parts: tests/integration/large-copies.test.ts',
  },
  {
    role: 'IngestRole',
    actions: ['s3:AbortMultipartUpload'],
    reason: 'a conversion that S3 interrupts: tests/unit/convert-manifest.test.ts',
  },
  {
    role: 'IngestRole',
    actions: ['s3:GetObject'],
    on: /spillway-test-(?!lists)/,
    reason: 'files that a manifest lists: tests/integration/lists.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:GetObjectVersion', 'kms:Decrypt'],
    reason: 'a job that was ended before its rows were sent: tests/integration/rejects.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:ListBucket'],
    on: MANIFEST_BUCKETS,
    reason: 'a manifest that is gone when its job was ended early: tests/integration/rejects.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:DeleteObject', 's3:AbortMultipartUpload', 'sqs:SendMessage'],
    reason:
      'two settle the same slice, a report that breaks off, a slice that closes while it settles: tests/long/crash.test.ts',
  },
  {
    role: 'DeadLettersRole',
    actions: ['s3:GetObject'],
    on: /-reports-.*\/(jobs|converted|deadletters)\//,
    reason:
      'a slice of a redrive or of a converted manifest that can not be ingested, and a letter that comes again: tests/long/chaos.test.ts',
  },
  {
    role: 'DeadLettersRole',
    actions: ['s3:ListBucket', 'sqs:ChangeMessageVisibility'],
    reason:
      'a manifest or report that is gone; a dead letter that can not be handled: tests/long/chaos.test.ts',
  },
];

const explains = (entry: Unused, role: string, action: string, resources: readonly string[]): boolean =>
  entry.role === role &&
  entry.actions.includes(action) &&
  resources.every((each) => entry.on?.test(each) ?? true);

const PARAMETERS = {
  sourceBuckets: `${SOURCE_BUCKET},${VERSIONED_SOURCE}`,
  manifestBuckets: VERSIONED_LISTS,
  kmsKeys: KMS_KEY,
};

const start = (adjust: (service: ServiceModel) => void = () => undefined): Promise<PipelineCloud> =>
  startPipelineCloud({
    visibilitySeconds: 1,
    sliceBytes: 8_000,
    receivesMost: { IngestQueue: 2, UploadQueue: 5, SettleQueue: 2 },
    params: PARAMETERS,
    buckets: [VERSIONED_SOURCE, VERSIONED_LISTS].map((name) => ({ name, versioned: true, throttled: false })),
    limit: { limitPerSecond: 60, burstSeconds: 0.1 },
    adjust(service) {
      // How long settle and sweep wait for a worker that may still be at work, before they book the rows that are left.
      for (const model of Object.values(service.functions)) {
        const { environment } = model;
        if (environment['SPILLWAY_UPLOAD_SECONDS'] !== undefined)
          environment['SPILLWAY_UPLOAD_SECONDS'] = '3';
        // On a machine that does much else, an invocation takes longer than on AWS.
        model.timeoutSeconds = LONG_SECONDS;
      }
      // What fails comes back after a second by the functions' own doing. A message that a slow invocation holds does not.
      // Upload leaves what it can't read to the queue, which takes five receives to give it up.
      for (const [id, { attributes }] of Object.entries(service.queues))
        attributes['VisibilityTimeout'] = id === 'UploadQueue' ? '10' : '60';
      adjust(service);
    },
  });

describe('the roles', () => {
  let cloud: PipelineCloud;
  let record: AccessRecord;
  beforeAll(async () => {
    cloud = await start();
    await takeEveryPath(cloud);
    record = await cloud.access();
  }, RUN_MS);
  afterAll(() => cloud?.stop());

  it('allow all that their functions ask for', () => {
    expect(record.denied).toEqual([]);
  });

  it('allow nothing that no path uses, but for a reason, and every reason is needed', () => {
    const used = new Set(record.used.map(({ role, statement, action }) => `${role} ${statement} ${action}`));
    const idle = Object.values(cloud.service.roles).flatMap(({ name, statements }) =>
      statements.flatMap(({ actions, resources }, place) =>
        actions
          .filter((action) => !used.has(`${name} ${place} ${action}`))
          .map((action) => ({ name, action, resources })),
      ),
    );
    const unexplained = idle.filter(
      ({ name, action, resources }) => !UNUSED.some((each) => explains(each, name, action, resources)),
    );
    expect(
      unexplained.map(({ name, action, resources }) => `${name}: ${action} on ${resources.join(', ')}`),
    ).toEqual([]);
    const idleFor = (entry: Unused, action: string) =>
      idle.some((each) => explains({ ...entry, actions: [action] }, each.name, each.action, each.resources));
    const needless = UNUSED.filter(({ isNever }) => isNever === true).flatMap((entry) =>
      entry.actions
        .filter((action) => !idleFor(entry, action))
        .map((action) => `${entry.role}: ${action} ${entry.on ?? ''}`),
    );
    expect(needless).toEqual([]);
  });

  it('have no statement whose removal would go unnoticed: each alone allowed a request of the run', () => {
    const needed = new Set(
      record.used.filter(({ isNeeded }) => isNeeded).map(({ role, statement }) => `${role} ${statement}`),
    );
    const roles = Object.values(cloud.service.roles).map(({ name, statements }) => ({
      name,
      statements: statements.map((each) => ({ ...each, effect: 'Allow' })),
    }));
    const unnoticed = [...roles, ...Object.values(cloud.service.policies)].flatMap(({ name, statements }) =>
      statements.flatMap(({ actions, resources, effect }, place) => {
        const isExplained = actions.every((action) =>
          UNUSED.some((each) => explains(each, name, action, resources)),
        );
        // What a Deny is for is tested where it denies: tests/integration/resource-policies.test.ts.
        if (effect === 'Deny' || needed.has(`${name} ${place}`) || isExplained) return [];
        return [`${name}: ${actions.join(', ')} on ${resources.join(', ')}`];
      }),
    );
    expect(unnoticed).toEqual([]);
  });
});

/** Takes out the statement of a role that has the action, and waits until one of its permissions is denied to that role. */
async function expectDenial(name: string, action: string): Promise<void> {
  let missing: readonly string[] = [];
  let isOver = false;
  const cloud = await start(({ roles }) => {
    const role = roles[name];
    const place = role?.statements.findIndex(({ actions }) => actions.includes(action)) ?? -1;
    if (place < 0) throw new Error(`${name} has no statement for ${action}`);
    missing = role?.statements.splice(place, 1).flatMap(({ actions }) => actions) ?? [];
  });
  let hasEnded = false;
  // How a job ends whose function may not write does not matter here.
  const run = takeEveryPath(cloud, () => isOver)
    .catch((error: unknown) => error)
    .finally(() => {
      hasEnded = true;
    });
  try {
    await cloud.until(
      `${missing.join(' or ')} is denied to ${name}`,
      async () => {
        const isLastLook = hasEnded;
        const { denied } = await cloud.access();
        if (denied.some((each) => each.role === name && missing.includes(each.action))) return true;
        if (isLastLook)
          throw new Error(`${name} was not denied ${missing.join(' or ')}: ${String(await run)}`);
        return false;
      },
      RUN_MS,
    );
  } finally {
    isOver = true;
    await cloud.stop();
    await run;
  }
}

describe('a statement that is missing', () => {
  /** One of each role. */
  it.each([
    ['IngestRole', 's3:GetObjectVersion'],
    ['UploadRole', 's3:PutObjectTagging'],
    ['UploadRole', 'kms:GenerateDataKey'],
    ['SettleRole', 's3:PutObject'],
    ['SweepRole', 'dynamodb:Query'],
    ['DeadLettersRole', 's3:PutObject'],
    ['ApiRole', 's3:GetObject'],
  ])('in %s is denied by name: %s', expectDenial, RUN_MS);
});
