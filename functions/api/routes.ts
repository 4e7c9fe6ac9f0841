// The table of the API's routes. The router and the client of the commands read it; each route has its handler in handler.ts. It
// imports no Lambda code, so that a command loads none.
import * as z from 'zod/mini';
import { isJobId, type JobId } from '../../shared/job/identity.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';

export interface Route {
  method: 'GET' | 'POST';
  /** As API Gateway names it. */
  path: `/${string}`;
  /** Of the path. A request whose parameters it refuses has no resource: 404. */
  parameters: z.ZodMiniType;
  /** Of the query string; unknown names are passed over. Answers 400 to what it refuses. */
  query: z.ZodMiniType;
  /** Bytes of a body at most. Above it the API answers 413. */
  bodyBytes: number;
  /** The members that every successful answer has; newer versions may add others. */
  answer: z.ZodMiniType;
}

/** What Lambda takes in an invocation: API Gateway itself answers 413 above it. */
const MANIFEST_BYTES = 6 * 1024 * 1024;
/** Of a body that orders something: options have 2 KB, the place of a manifest 3 KB. */
const ORDER_BYTES = 64 * 1024;

const LIMIT = { default: 25, most: 100 };
const LIMIT_FAULT = `limit takes 1 to ${LIMIT.most}`;
/** Longer than our cursors: those of jobs have about 80 characters, those of dead letters a queue's name and two ids. */
const MAX_CURSOR_LENGTH = 512;

export const NOT_A_CURSOR = 'the cursor is not one that this API gave out: leave it out to start over';

const none = z.object({});
const notAnId = { error: ({ input }: { input?: unknown }) => `"${String(input)}" is not a job id` };
const jobParameters = z.object({ id: z.custom<JobId>((id) => isJobId(String(id)), notAnId) });
/** As they came: the job's options are parsed with the manifest. A record's schema would silently drop `__proto__`. */
const optionTexts = z.custom<Readonly<Record<string, string | undefined>>>();
const page = z.object({
  limit: z._default(
    z.pipe(
      z.string().check(z.regex(/^\d{1,3}$/, LIMIT_FAULT)),
      z.pipe(z.transform(Number), z.int().check(z.gte(1, LIMIT_FAULT), z.lte(LIMIT.most, LIMIT_FAULT))),
    ),
    LIMIT.default,
  ),
  cursor: z.optional(
    z.string().check(z.regex(new RegExp(`^[\\x20-\\x7e]{0,${MAX_CURSOR_LENGTH}}$`), NOT_A_CURSOR)),
  ),
});

const rateOption = ({ name, most }: (typeof OPTIONS)['maxRatePerSecond' | 'maxBytesPerSecond']) => {
  const fault = `${name} takes a whole number from 0, which is no bound, to ${most}`;
  const isWithin = z.refine<number>((value) => value <= most, fault);
  return z.optional(
    z.pipe(
      z.string().check(z.regex(/^\d{1,10}$/, fault)),
      z.pipe(z.transform(Number), z.number().check(isWithin)),
    ),
  );
};
const { maxRatePerSecond, maxBytesPerSecond } = OPTIONS;
/** By the names of the options. */
const rate = z
  .object({
    [maxRatePerSecond.name]: rateOption(maxRatePerSecond),
    [maxBytesPerSecond.name]: rateOption(maxBytesPerSecond),
  })
  .check(
    z.refine(
      (given) => Object.values(given).some((value) => value !== undefined),
      `give ${maxRatePerSecond.name}, ${maxBytesPerSecond.name} or both in the query string`,
    ),
  );

const job = z.looseObject({ job: z.string(), state: z.string() });
const jobs = z.looseObject({ jobs: z.array(job), cursor: z.optional(z.string()) });
const letters = z.looseObject({
  letters: z.array(z.looseObject({})),
  keptDays: z.optional(z.number()),
  cursor: z.optional(z.string()),
});

const upload = z.looseObject({
  job: z.string(),
  upload: z.looseObject({ url: z.string(), fields: z.record(z.string(), z.string()) }),
});
const report = z.looseObject({ job: z.string(), files: z.array(z.looseObject({ url: z.string() })) });
const plan = z.looseObject({ rows: z.number(), faults: z.array(z.looseObject({})) });

const ofJob = { parameters: jobParameters, query: none, bodyBytes: ORDER_BYTES, answer: job } as const;
/** To a job, unless it says otherwise. It has no body, a small one, or one that is passed over. */
const order = { method: 'POST', ...ofJob } as const;
const list = { method: 'GET', parameters: none, query: page, bodyBytes: ORDER_BYTES } as const;
const manifest = { method: 'POST', parameters: none, query: optionTexts, bodyBytes: MANIFEST_BYTES } as const;

export const ROUTES = {
  /** A manifest as the body, its options in the query; JSON { rows, options }; or JSON { manifest, options }, its place. */
  submitJob: { ...manifest, path: '/jobs', answer: job },
  /** Newest first. */
  listJobs: { ...list, path: '/jobs', answer: jobs },
  getJob: { method: 'GET', ...ofJob, path: '/jobs/{id}' },
  /** Links to the files of an ended job's report. */
  getReport: { ...list, path: '/jobs/{id}/report', parameters: jobParameters, answer: report },
  /** Starts no further transfer until the job is resumed. */
  pauseJob: { ...order, path: '/jobs/{id}/pause' },
  /** Sends the missing rows again. */
  resumeJob: { ...order, path: '/jobs/{id}/resume' },
  /** Books unfinished rows as cancelled and ends the job. */
  cancelJob: { ...order, path: '/jobs/{id}/cancel' },
  /** Starts a new job with the rows that an ended job did not store. */
  redriveJob: { ...order, path: '/jobs/{id}/redrive' },
  /** Changes how fast a job writes, at any time until its end. What is not given stays as it is. */
  rateJob: { ...order, path: '/jobs/{id}/rate', query: rate },
  /** A form with which a manifest of any size is uploaded; its job starts then. */
  createUpload: { ...order, path: '/uploads', parameters: none, answer: upload },
  /** Reads a manifest as its job would, and sends nothing. It takes what submitJob takes. */
  planJob: { ...manifest, path: '/plans', answer: plan },
  /** Oldest first. */
  listDeadLetters: { ...list, path: '/deadletters', answer: letters },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
