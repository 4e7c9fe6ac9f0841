// POST /uploads: a form with which a manifest of any size is uploaded into the inbox, under a key that the API chooses. S3's
// notification starts the job.
import * as z from 'zod/mini';
import type { Presigner } from '../../shared/aws/presigned.ts';
import { keyOfJob } from '../../shared/job/identity.ts';
import { metadataOfOptionTexts } from '../../shared/job/options.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { IDEMPOTENCY_KEY, jobIdOfRequest } from './idempotency-key.ts';
import { type OptionBounds, readOptions } from './job-options.ts';
import { json, type RouteHandler } from './json-api.ts';
import { optionTexts, optionValues } from './manifest-place.ts';
import { faultAt, refusedBody } from './problem.ts';
import { STORED_TYPES, storedTypeOf } from './read-submission.ts';
import { type Inbox, wasSubmitted } from './submit-manifest.ts';

/** For which a form may be sent. An upload that has begun by then may end later. */
const FORM_SECONDS = 15 * 60;
/** S3's limit on a form (S3 API reference, POST Object). */
const MAX_FORM_BYTES = 5 * 1024 ** 3;

export const uploadOrder = z.strictObject({
  contentType: z.string(),
  options: z.optional(optionValues),
});

export interface CreateUploadDependencies extends Inbox, OptionBounds {
  presigner: Pick<Presigner, 'formFor'>;
  clock: Pick<Clock, 'now'>;
}

/** An Idempotency-Key makes repeats of one caller one job: what is uploaded first under it counts. */
export function createCreateUpload(dependencies: CreateUploadDependencies): RouteHandler<'createUpload'> {
  const { inbox, presigner, clock } = dependencies;
  return async ({ event, basePath }) => {
    const { contentType, options } = readOrder(event.json?.value);
    readOptions(options, dependencies);
    const { job, token } = jobIdOfRequest(event);
    if (await wasSubmitted(dependencies, job)) {
      const message = `the Idempotency-Key "${token}" was used before: job ${job} has its manifest. Send another key for another job`;
      throw faultAt(409, IDEMPOTENCY_KEY, message);
    }
    // A file uploaded under an ordinary type can't be taken for an order: the type is part of what is signed.
    const terms = {
      contentType,
      metadata: metadataOfOptionTexts(options),
      sizeBytes: { least: 1, most: MAX_FORM_BYTES },
    };
    const key = keyOfJob(job);
    const expiresAt = new Date(clock.now() + FORM_SECONDS * 1000).toISOString();
    const upload = await presigner.formFor({ bucket: inbox, key }, terms, FORM_SECONDS);
    return json(
      201,
      {
        job,
        state: 'awaiting upload',
        manifest: `s3://${inbox}/${key}`,
        upload,
        expiresAt,
        maxBytes: MAX_FORM_BYTES,
      },
      { location: `${basePath}/jobs/${job}` },
    );
  };
}

function readOrder(value: unknown): { contentType: string; options: Record<string, string> } {
  const shape = `The body is JSON: { "contentType": "text/csv", "options": {...} }`;
  const parsed = uploadOrder.safeParse(value ?? {});
  if (!parsed.success) throw refusedBody(parsed.error.issues, shape);
  const { contentType, options = {} } = parsed.data;
  const stored = storedTypeOf(contentType);
  if (stored === undefined)
    throw faultAt(400, 'body.contentType', `contentType takes ${STORED_TYPES.flat().join(', ')}`);
  return { contentType: stored, options: optionTexts(options) };
}
