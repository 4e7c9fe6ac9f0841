// POST /jobs: puts the manifest into the inbox under api/<job>/. From there it takes the same path as every other manifest.
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { hashedJobId } from '../../shared/job/identity.ts';
import { bytesOfOptionTexts, MAX_OPTION_BYTES, parseJobOptions } from '../../shared/job/options.ts';
import type { JobView } from '../../shared/job/view.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import { bodyOf } from './body.ts';
import { callerOf } from './caller.ts';
import { type ApiEvent, HttpError, json, type RouteHandler } from './json-api.ts';
import { openPosted } from './open-posted.ts';
import { readSubmission } from './read-submission.ts';
import { type Inbox, submitManifest } from './submit-manifest.ts';

/** Characters of an Idempotency-Key. */
const MAX_KEY_LENGTH = 255;

export interface SubmitJobDependencies extends Inbox {
  destinationBuckets: readonly string[];
}

/** An Idempotency-Key makes repeats of one caller one job. */
export function createSubmitJob({
  s3,
  inbox,
  destinationBuckets,
}: SubmitJobDependencies): RouteHandler<'submitJob'> {
  return async ({ event, query }) => {
    const { contentType, bytes: body, wasText, options } = submissionOf(event, query);
    const parsed = parseJobOptions(options, destinationBuckets);
    if (parsed.kind === 'invalid') throw new HttpError(400, parsed.message);
    const optionBytes = bytesOfOptionTexts(options);
    if (optionBytes > MAX_OPTION_BYTES) {
      throw new HttpError(
        400,
        `the options have ${optionBytes} bytes with their names, and S3's metadata, in which they travel, has room for ${MAX_OPTION_BYTES}: give metadata, tags and headers to the rows`,
      );
    }
    const extraColumns = extraColumnsOf(parsed.options.keyTemplate);
    const opened = await openPosted(body, { contentType, wasText, extraColumns });
    if (opened.kind === 'unreadable') throw new HttpError(400, opened.message + hintOf(opened.code, body));

    const token = idempotencyKeyOf(event) ?? randomUUID();
    // The caller is part of the id: the same key of another caller is another job, and reveals nothing about this one.
    const job = hashedJobId('api', ...callerOf(event), token);
    const submitted = await submitManifest({ s3, inbox }, { job, contentType, body, options });
    if (submitted.kind === 'conflict') {
      throw new HttpError(
        409,
        `the Idempotency-Key "${token}" was used before, for another manifest or other options`,
      );
    }
    return json(
      submitted.kind === 'accepted' ? 202 : 200,
      { job, state: 'submitted', manifest: submitted.manifest } satisfies JobView,
      { location: `/jobs/${job}` },
    );
  };
}

function submissionOf(event: ApiEvent, options: Readonly<Record<string, string | undefined>>) {
  const { json: value, headers } = event;
  const submission = readSubmission({
    contentType: headers['content-type'],
    options,
    body: value === undefined ? { kind: 'bytes', ...bodyOf(event) } : { kind: 'json', ...value },
  });
  if (submission.kind === 'unknown type') throw new HttpError(415, submission.message);
  if (submission.kind === 'invalid') throw new HttpError(400, submission.message);
  return submission;
}

/** `curl -d @file` removes the line ends of a file, which leaves one long header. */
function hintOf(code: string, body: Uint8Array): string {
  return code !== 'UnknownColumn' || body.includes(0x0a)
    ? ''
    : '; it has no line end: curl keeps them with --data-binary, and not with -d';
}

/** @returns undefined where there is none */
function idempotencyKeyOf({ headers }: APIGatewayProxyEventV2): string | undefined {
  const key = headers['idempotency-key'];
  if (key === '') throw new HttpError(400, 'the Idempotency-Key is empty: leave it out, or send a UUID');
  if (key !== undefined && (key.length > MAX_KEY_LENGTH || /\p{Cc}/u.test(key))) {
    throw new HttpError(
      400,
      `the Idempotency-Key takes up to ${MAX_KEY_LENGTH} characters, and no control characters: a UUID does`,
    );
  }
  return key;
}
