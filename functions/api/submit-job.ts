// POST /jobs: puts the manifest, or the order that names its place, into the inbox under api/<job>/. From there it takes the same
// path as every other manifest.
import type { ObjectReader } from '../../shared/aws/object-range.ts';
import { type OpenedStart, readStart } from '../../shared/blocks/conversion-input.ts';
import type { JobId } from '../../shared/job/identity.ts';
import {
  MANIFEST_ORDER_CONTENT_TYPE,
  type ManifestBuckets,
  manifestOrderText,
} from '../../shared/job/manifest-order.ts';
import { metadataOfOptionTexts } from '../../shared/job/options.ts';
import type { JobView } from '../../shared/job/view.ts';
import { extraColumnsOf } from '../../shared/manifest/extra-columns.ts';
import { bodyOf } from './body.ts';
import { IDEMPOTENCY_KEY, jobIdOfRequest } from './idempotency-key.ts';
import { type OptionBounds, readOptions } from './job-options.ts';
import { type ApiEvent, json, type RouteHandler } from './json-api.ts';
import { findPlaced, namesPlace, readPlace } from './manifest-place.ts';
import { openPlaced, openPosted } from './open-posted.ts';
import { faultAt, HttpError } from './problem.ts';
import { definedTexts, type OptionTexts, readSubmission } from './read-submission.ts';
import { type Inbox, type Submitted, type SubmittedObject, submitObject } from './submit-manifest.ts';

export interface SubmitJobDependencies
  extends Inbox,
    Pick<ObjectReader, 'clock' | 'random'>,
    ManifestBuckets,
    OptionBounds {}

type Submission = Omit<SubmittedObject, 'job'>;

/** An Idempotency-Key makes repeats of one caller one job. */
export function createSubmitJob(dependencies: SubmitJobDependencies): RouteHandler<'submitJob'> {
  return async ({ event, query, basePath }) => {
    const submission = namesPlace(event.json?.value)
      ? await placedSubmission(dependencies, event, query)
      : await postedSubmission(dependencies, event, query);
    const { job, token } = jobIdOfRequest(event);
    const submitted = await submitObject(dependencies, { job, ...submission });
    if (submitted.kind === 'conflict') {
      const message = `the Idempotency-Key "${token}" was used before, for another manifest or other options`;
      throw faultAt(409, IDEMPOTENCY_KEY, message);
    }
    return submittedAnswer(job, submitted, basePath);
  };
}

function submittedAnswer(job: JobId, { kind, manifest }: Submitted, basePath: string) {
  const view: JobView = { job, state: 'submitted', manifest };
  return json(kind === 'accepted' ? 202 : 200, view, { location: `${basePath}/jobs/${job}` });
}

async function postedSubmission(
  dependencies: SubmitJobDependencies,
  event: ApiEvent,
  query: OptionTexts,
): Promise<Submission> {
  const { contentType, bytes: body, wasText, options } = submissionOf(event, query);
  const extraColumns = extraColumnsOf(readOptions(options, dependencies).keyTemplate);
  const opened = await openPosted(body, { contentType, wasText, extraColumns });
  if (opened.kind === 'unreadable') throw faultAt(400, 'body', messageOf(opened, body));
  return { contentType, body, metadata: metadataOfOptionTexts(options) };
}

async function placedSubmission(
  dependencies: SubmitJobDependencies,
  event: ApiEvent,
  query: OptionTexts,
): Promise<Submission> {
  const request = readPlace(event.json?.value, definedTexts(query));
  const found = await findPlaced(dependencies, request, dependencies);
  const { keyTemplate } = readOptions(found.options, dependencies);
  const manifest = { ...found.place, sizeBytes: found.sizeBytes };
  const start = await readStart(dependencies, manifest, extraColumnsOf(keyTemplate));
  const opened = await openPlaced(dependencies, manifest, start, found.contentType);
  if (opened?.kind === 'unreadable') throw faultAt(400, 'body.manifest', opened.message);
  return {
    contentType: MANIFEST_ORDER_CONTENT_TYPE,
    body: Buffer.from(manifestOrderText(found.place)),
    // Those of the manifest's own metadata are read with it.
    metadata: metadataOfOptionTexts(request.options),
  };
}

/** @throws HttpError where the body is no manifest that can be posted */
export function submissionOf(event: ApiEvent, options: OptionTexts) {
  const { json: value, headers } = event;
  const submission = readSubmission({
    contentType: headers['content-type'],
    options,
    body: value === undefined ? { kind: 'bytes', ...bodyOf(event) } : { kind: 'json', ...value },
  });
  if (submission.kind === 'unknown type') throw faultAt(415, 'headers.content-type', submission.message);
  if (submission.kind === 'invalid')
    throw new HttpError(400, submission.message, { faults: submission.faults });
  return submission;
}

/** `curl -d @file` removes the line ends of a file, which leaves one long header. The bytes of a compressed one may have none. */
export function messageOf(refused: Extract<OpenedStart, { kind: 'unreadable' }>, bytes: Uint8Array): string {
  const { code, message } = refused;
  return 'conversion' in refused || code !== 'UnknownColumn' || bytes.includes(0x0a)
    ? message
    : `${message}; it has no line end: curl keeps them with --data-binary, and not with -d`;
}
