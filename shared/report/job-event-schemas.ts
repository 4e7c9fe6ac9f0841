// The details of the events that a job puts on EventBridge, as schemas: docs/events.md is made from them.
//
// Fields may be added, so a consumer ignores those that it does not know. None is removed, and none changes its meaning.
import * as z from 'zod/mini';

const count = (what: string) => z.int().check(z.nonnegative(), z.describe(what));
const text = (what: string) => z.string().check(z.describe(what));

const manifest = z
  .object({
    bucket: z.string(),
    key: z.string(),
    versionId: z.optional(text('absent where the bucket keeps no versions')),
    sequencer: z.optional(text('of the arrival, where there is no version')),
    sizeBytes: count('0 where the manifest could not be opened'),
    etag: text('with its quotes; empty where the manifest could not be opened'),
  })
  .check(z.describe('the object whose arrival started the job'));

const common = {
  version: z.literal(1),
  id: text('of what happened: the same in each copy of the event. Ignore an id that was handled before'),
  job: text('id of the job'),
  manifest,
};

export const startedDetail = z.object({
  ...common,
  state: z.enum(['planning', 'running']),
  destination: text('s3://bucket/prefix under which its objects are written'),
  startedAt: text('ISO 8601'),
  deadline: text('ISO 8601: rows that have not ended by then are booked as failed'),
  redriveOf: z.optional(text('id of the job whose failed rows it writes')),
});

export const progressedDetail = z.object({
  ...common,
  state: z.literal('running'),
  percent: z
    .int()
    .check(
      z.minimum(10),
      z.maximum(90),
      z.multipleOf(10),
      z.describe('of its rows that have ended, rounded down'),
    ),
  rows: count('rows of the manifest'),
  counts: z.optional(
    z
      .object({
        done: count('rows that were stored or skipped'),
        failed: count('rows that failed'),
        cancelled: count('rows that were cancelled'),
        rejected: count('rows that are no valid rows'),
      })
      .check(z.describe('absent where the percentage is that of its slices')),
  ),
});

const totals = {
  rows: count('rows of the manifest'),
  stored: count('rows whose object was written'),
  skipped: count('rows whose object existed, or was the same'),
  failed: count('rows that failed'),
  cancelled: count('rows that had not ended when the job was cancelled'),
  rejected: count('rows that are no valid rows'),
  attempts: count('requests that wrote an object or a part of it'),
  throttled: count('requests that S3 refused with SlowDown'),
  returned: count('times that an item was given back by a visibility delay'),
  reposted: count('times that an item was given back as a new message'),
  bytes: count('bytes stored'),
};

const ended = {
  ...common,
  report: text("s3://bucket/key of the job's report, manifest.json"),
  ...totals,
  unaccounted: count('rows that no count explains: 0 unless a failed job says otherwise'),
};

export const completedDetail = z.object({ ...ended, state: z.literal('completed') });
export const cancelledDetail = z.object({ ...ended, state: z.literal('cancelled') });
export const failedDetail = z.object({
  ...ended,
  state: z.literal('failed'),
  fault: z.object({ code: z.string(), message: text('at most 1 KB') }),
});

export type StartedDetail = z.infer<typeof startedDetail>;
export type ProgressedDetail = z.infer<typeof progressedDetail>;
export type EndedDetail = z.infer<typeof completedDetail | typeof cancelledDetail | typeof failedDetail>;
