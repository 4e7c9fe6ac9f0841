// Least privilege: the embedded cloud denies what a role does not allow, so a run through every path shows which permissions are
// needed. None may be missing, and none may be there that nothing uses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessRecord } from '../../local/iam/authorizer.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import { takeEveryPath, VERSIONED_LISTS, VERSIONED_SOURCE } from '../helpers/permission-run.ts';
import { type PipelineCloud, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** Bounds a run that hangs: one takes under a minute. */
const RUN_MS = 900_000;

/** Permissions that no run on the embedded cloud uses, by role (`*`: every role), with the reason why they are there. */
const UNUSED: readonly { role: string; actions: readonly string[]; reason: string }[] = [
  {
    role: '*',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    reason: 'Lambda writes the logs of a function under its role; no request of a function does',
  },
  {
    role: '*',
    actions: ['sqs:GetQueueAttributes'],
    reason: 'Lambda asks for it when an event source is made',
  },
  {
    role: '*',
    actions: ['s3:ListBucketVersions'],
    reason:
      'without it S3 answers 403, not 404, for a version that is gone; the embedded S3 asks for s3:ListBucket',
  },
  {
    role: '*',
    actions: ['s3:GetObject'],
    reason: 'an inbox without versions: tests/integration/edges.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['sqs:SendMessage'],
    reason: 'a repost: tests/integration/faults.test.ts',
  },
  {
    role: 'UploadRole',
    actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    reason: 'copies in parts: tests/integration/large-copies.test.ts',
  },
  {
    role: 'IngestRole',
    actions: ['s3:AbortMultipartUpload'],
    reason: 'a conversion that S3 interrupts: tests/unit/convert-manifest.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:GetObjectVersion', 's3:ListBucket'],
    reason: 'a job that was ended before its rows were sent: tests/integration/rejects.test.ts',
  },
  {
    role: 'SettleRole',
    actions: ['s3:DeleteObject', 's3:AbortMultipartUpload', 'sqs:SendMessage'],
    reason:
      'two settle the same slice, a report that breaks off, a slice that closes while it settles: tests/long/crash.test.ts',
  },
  {
    role: 'DeadLettersRole',
    actions: ['s3:ListBucket', 'sqs:ChangeMessageVisibility'],
    reason:
      'a manifest or report that is gone; a dead letter that can not be handled: tests/long/chaos.test.ts',
  },
];

const start = (adjust: (service: ServiceModel) => void = () => undefined): Promise<PipelineCloud> =>
  startPipelineCloud({
    visibilitySeconds: 1,
    sliceBytes: 8_000,
    receivesMost: { IngestQueue: 2, UploadQueue: 5, SettleQueue: 2 },
    params: { sourceBuckets: `${SOURCE_BUCKET},${VERSIONED_SOURCE}`, manifestBuckets: VERSIONED_LISTS },
    buckets: [VERSIONED_SOURCE, VERSIONED_LISTS].map((name) => ({ name, versioned: true, throttled: false })),
    limit: { limitPerSecond: 60, burstSeconds: 0.1 },
    adjust(service) {
      // How long settle and sweep wait for a worker that may still be at work, before they book the rows that are left.
      for (const { environment } of Object.values(service.functions))
        if (environment['SPILLWAY_UPLOAD_SECONDS'] !== undefined)
          environment['SPILLWAY_UPLOAD_SECONDS'] = '3';
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

  it('allow nothing that no path uses, but for a reason', () => {
    const used = new Set(record.used.map(({ role, statement, action }) => `${role} ${statement} ${action}`));
    const listed = (role: string, action: string) =>
      UNUSED.some((each) => (each.role === '*' || each.role === role) && each.actions.includes(action));
    const idle = Object.values(cloud.service.roles).flatMap(({ name, statements }) =>
      statements.flatMap(({ actions, resources }, place) =>
        actions
          .filter((action) => !used.has(`${name} ${place} ${action}`) && !listed(name, action))
          .map((action) => `${name}: ${action} on ${resources.join(', ')}`),
      ),
    );
    expect(idle).toEqual([]);
  });
});

describe('a statement that is missing', () => {
  /** One of each role. */
  it.each([
    ['IngestRole', 's3:GetObjectVersion'],
    ['UploadRole', 's3:PutObjectTagging'],
    ['SettleRole', 's3:PutObject'],
    ['SweepRole', 'dynamodb:Query'],
    ['DeadLettersRole', 's3:PutObject'],
    ['ApiRole', 's3:GetObject'],
  ])(
    'in %s is denied by name: %s',
    async (name, action) => {
      let missing: readonly string[] = [];
      let isOver = false;
      const cloud = await start(({ roles }) => {
        const { statements } = roles[name] ?? { statements: [] };
        const place = statements.findIndex(({ actions }) => actions.includes(action));
        if (place < 0) throw new Error(`${name} has no statement with ${action}`);
        missing = statements.splice(place, 1).flatMap(({ actions }) => actions);
      });
      // Where the run gets no further is as it may be: a job whose function may not write never ends.
      const run = takeEveryPath(cloud, () => isOver).catch((error: unknown) => error);
      try {
        await cloud.until(
          `${missing.join(' or ')} is denied to ${name}`,
          async () =>
            (await cloud.access()).denied.some((each) => each.role === name && missing.includes(each.action)),
          RUN_MS,
        );
      } finally {
        isOver = true;
        await cloud.stop();
        await run;
      }
    },
    RUN_MS,
  );
});
