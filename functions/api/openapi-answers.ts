// The answers of the API with all their members, for the OpenAPI document. Only that document and tests load this file: the
// function itself needs no schema of what it answers.
import * as z from 'zod/mini';
import { storedOptions } from '../../shared/job/options.ts';
import type { JobView } from '../../shared/job/view.ts';

const count = z.int().check(z.nonnegative());
const fault = z.object({ code: z.string(), message: z.string() });
/** ISO 8601, in UTC. */
const time = z.string().check(z.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/));

export const jobAnswer = z.object({
  job: z.string(),
  state: z.enum([
    ...(['submitted', 'planning', 'running', 'paused', 'cancelling', 'expiring'] as const),
    ...(['completed', 'cancelled', 'failed', 'unreadable'] as const),
  ]),
  manifest: z.exactOptional(z.string()),
  startedAt: z.exactOptional(time),
  endedAt: z.exactOptional(time),
  deadline: z.exactOptional(time),
  redriveOf: z.exactOptional(z.string()),
  converting: z.exactOptional(z.string()),
  options: z.exactOptional(storedOptions),
  rows: z.exactOptional(count),
  progress: z.exactOptional(
    z.object({
      rows: count,
      done: count,
      failed: count,
      cancelled: count,
      rejected: count,
      intake: z.exactOptional(z.object({ read: count, rejected: count })),
      atMs: z.exactOptional(count),
    }),
  ),
  stored: z.exactOptional(count),
  skipped: z.exactOptional(count),
  failed: z.exactOptional(count),
  cancelled: z.exactOptional(count),
  rejected: z.exactOptional(count),
  unaccounted: z.exactOptional(z.int()),
  attempts: z.exactOptional(count),
  throttled: z.exactOptional(count),
  returned: z.exactOptional(count),
  reposted: z.exactOptional(count),
  bytes: z.exactOptional(count),
  report: z.exactOptional(z.string()),
  fault: z.exactOptional(fault),
}) satisfies z.ZodMiniType<JobView>;

export const jobsAnswer = z.object({ jobs: z.array(jobAnswer), cursor: z.exactOptional(z.string()) });

export const reportAnswer = z.object({
  job: z.string(),
  state: z.enum(['completed', 'cancelled', 'failed']),
  report: z.string(),
  /** Of manifest.json. */
  url: z.string(),
  expiresAt: time,
  files: z.array(
    z.object({
      kind: z.enum(['succeeded', 'failed', 'rejected']),
      key: z.string(),
      rows: count,
      bytes: count,
      sha256: z.string(),
      url: z.string(),
    }),
  ),
  cursor: z.exactOptional(z.string()),
});

export const uploadAnswer = z.object({
  job: z.string(),
  state: z.literal('awaiting upload'),
  manifest: z.string(),
  upload: z.object({ url: z.string(), fields: z.record(z.string(), z.string()) }),
  expiresAt: time,
  maxBytes: count,
});

export const planAnswer = z.object({
  format: z.string(),
  rows: count,
  good: count,
  rejected: count,
  /** Rejected rows by the code of what is wrong. */
  rejectedByCode: z.record(z.string(), count),
  /** The first of them: a bad row, or several of the same block that are bad in the same way. The place is `line 3`, or `lines 3 to 90`. */
  faults: z.array(z.object({ place: z.string(), code: z.string(), message: z.string(), rows: count })),
  /** Good rows by where their bytes come from. */
  sources: z.object({ inline: count, s3: count, https: count }),
  /** Bytes of the objects, as far as rows say them. */
  knownBytes: count,
  requests: z.object({ writes: count, reads: count }),
  cost: z.object({ usd: z.number(), writesUsd: z.number(), otherUsd: z.number() }),
  /** At the limit of one partition of S3, or at the job's own rate. S3 splits partitions under a load that lasts. */
  time: z.object({ objectsPerSecond: count, seconds: count }),
});

export const deadLettersAnswer = z.object({
  letters: z.array(z.looseObject({ place: z.string() })),
  keptDays: count,
  cursor: z.exactOptional(z.string()),
});

/** RFC 9457. `message` repeats `detail`. */
export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int().check(z.gte(400), z.lte(599)),
  detail: z.string(),
  instance: z.string(),
  faults: z.array(z.object({ place: z.string(), message: z.string() })),
  message: z.string(),
});

/** What API Gateway itself answers, before the function is called. */
export const gatewayAnswer = z.object({ message: z.string() });
