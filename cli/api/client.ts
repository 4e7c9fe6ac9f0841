// Spillway's API as the commands ask it: requests signed where they have to be, tried again where that can help, and every
// refusal with what to do about it. All requests here may be made twice.
import * as z from 'zod/mini';
import { embeddedSince } from '../../local/service/embedded-since.ts';
import { type Credentials, createSigner } from '../../shared/aws/signature.ts';
import { isJobId } from '../../shared/job/identity.ts';
import type { JobView } from '../../shared/job/view.ts';
import type { DeadLetterEntry } from '../../shared/report/dead-letters.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { describeError, Failure } from '../failure.ts';
import { queryText, signingScopeOf } from './signing.ts';

export type Order = 'pause' | 'resume' | 'cancel' | 'redrive';

export interface JobList extends Listed {
  jobs: JobView[];
}

export interface DeadLetterList extends Listed {
  letters: (DeadLetterEntry & { place: string })[];
  /** Absent in answers of deployments that do not say it. */
  keptDays?: number | undefined;
}

interface Listed {
  cursor?: string | undefined;
  /** ISO time at which the embedded cloud started, which keeps nothing of earlier runs. Absent from a deployed API. */
  embeddedSince?: string | undefined;
}

export interface ApiClient {
  job(id: string): Promise<JobView>;
  jobs(limit: number, cursor?: string): Promise<JobList>;
  /** @returns the job as it stands then; of a redrive, the new job */
  order(id: string, order: Order): Promise<JobView>;
  deadLetters(limit: number, cursor?: string): Promise<DeadLetterList>;
}

export interface ApiDependencies {
  fetch: typeof fetch;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Whose signature it is; asked for only where requests are signed. */
  credentials: () => Promise<Credentials>;
}

interface ApiRequest {
  method: 'GET' | 'POST';
  path: string;
  query?: Record<string, string | number | undefined>;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** A request that met a fault on the way or at the API is made so often, with rests that double. */
const TRIES = 5;
const FIRST_REST_MS = 250;
/** An order to a job that is not open yet is given again, when the API says, for about a minute. */
const OPENING_TRIES = 30;

const job = z.looseObject({ job: z.string(), state: z.string() });
const jobList = z.looseObject({ jobs: z.array(job), cursor: z.optional(z.string()) });
const letterList = z.looseObject({
  letters: z.array(z.looseObject({})),
  keptDays: z.optional(z.number()),
  cursor: z.optional(z.string()),
});

/** @param api its address, with no slash at the end */
export function createApiClient({ fetch, clock, env, credentials }: ApiDependencies, api: string): ApiClient {
  const base = new URL(api);
  const scope = signingScopeOf(base, env);
  const signer = scope === undefined ? undefined : createSigner(scope);

  /** Signed for each request: a signature holds for five minutes. */
  async function headersOf({ method, path, query }: Required<ApiRequest>): Promise<Record<string, string>> {
    if (signer === undefined) return { accept: 'application/json' };
    const signed = signer.sign(
      {
        method,
        path,
        query: queryText(query),
        headers: { accept: 'application/json', host: base.host },
        body: new Uint8Array(),
      },
      await credentials(),
      new Date(clock.now()),
    );
    // The host is fetch's to send.
    const { host: _host, ...headers } = signed;
    return headers;
  }

  async function ask(request: ApiRequest): Promise<Response> {
    const path = `${base.pathname === '/' ? '' : base.pathname}${request.path}`;
    const query = request.query ?? {};
    const search = queryText(query);
    return await fetch(`${base.origin}${path}${search === '' ? '' : `?${search}`}`, {
      method: request.method,
      headers: await headersOf({ method: request.method, path, query }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      redirect: 'manual',
    });
  }

  /** What may pass by is tried again; what is left is the answer, or a Failure. */
  async function answerOf(request: ApiRequest): Promise<Response> {
    for (let tries = 1; ; tries++) {
      let fault: () => Failure;
      try {
        const answer = await ask(request);
        if (answer.status < 500 && answer.status !== 429) return answer;
        const text = await messageOf(answer);
        fault = () => new Failure(`the API at ${api} failed (${answer.status}: ${text}); its log tells why`);
      } catch (error) {
        if (error instanceof Failure) throw error;
        const unreachable = unreachableFailure(api, error);
        if (unreachable !== undefined) throw unreachable;
        fault = () =>
          new Failure(`the API at ${api} does not answer: ${describeError(causeOf(error))}`, {
            cause: error,
          });
      }
      if (tries === TRIES) throw fault();
      await clock.sleep(FIRST_REST_MS * 2 ** (tries - 1));
    }
  }

  async function call<T extends object>(
    request: ApiRequest,
    schema: z.ZodMiniType,
    onEmbedded: (answer: T, embeddedSince: string) => T = (answer) => answer,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const answer = await answerOf(request);
      const retryAfterSeconds = secondsOf(answer.headers.get('retry-after'));
      if (answer.status === 409 && retryAfterSeconds > 0 && tries < OPENING_TRIES) {
        await answer.body?.cancel();
        await clock.sleep(retryAfterSeconds * 1000);
        continue;
      }
      const since = embeddedSince(answer.headers);
      const forgotten = answer.status === 404 && since !== undefined ? jobIn(request.path) : undefined;
      if (forgotten !== undefined) {
        await answer.body?.cancel();
        throw new Failure(forgottenText(forgotten, since ?? ''));
      }
      if (!answer.ok) throw refusal(api, answer.status, await messageOf(answer), signer !== undefined);
      const body: unknown = await answer.json().catch(() => undefined);
      if (!schema.safeParse(body).success) throw new Failure(strangerText(api));
      return since === undefined ? (body as T) : onEmbedded(body as T, since);
    }
  }

  return {
    job: (id) => call<JobView>({ method: 'GET', path: `/jobs/${id}` }, job),
    jobs: (limit, cursor) =>
      call<JobList>({ method: 'GET', path: '/jobs', query: { limit, cursor } }, jobList, sinceStart),
    order: (id, order) => call<JobView>({ method: 'POST', path: `/jobs/${id}/${order}` }, job),
    deadLetters: (limit, cursor) =>
      call<DeadLetterList>(
        { method: 'GET', path: '/deadletters', query: { limit, cursor } },
        letterList,
        sinceStart,
      ),
  };
}

/** Of a Retry-After: whatever answers there, it does not put the command to sleep. None where it is no short wait. */
function secondsOf(text: string | null): number {
  return /^\d{1,2}$/.test(text ?? '') ? Number(text) : 0;
}

function sinceStart<T extends Listed>(list: T, since: string): T {
  return { ...list, embeddedSince: since };
}

/** The job that a request is about. What is no id can't have been a job of an earlier run either. */
function jobIn(path: string): string | undefined {
  const id = path.split('/')[2] ?? '';
  return path.startsWith('/jobs/') && isJobId(id) ? id : undefined;
}

function forgottenText(id: string, since: string): string {
  return (
    `there is no job ${id}: the embedded cloud was started at ${since} and keeps nothing of an earlier run. ` +
    'If the job is from before, drop its manifest again; else look at the id: spillway status lists the jobs there are'
  );
}

function strangerText(api: string): string {
  return `what answers at ${api} is not Spillway's API: look at --api, or SPILLWAY_API`;
}

function refusal(api: string, status: number, message: string, isSigned: boolean): Failure {
  if (status === 403 || status === 401) {
    return new Failure(
      isSigned
        ? `the API at ${api} refuses these credentials (${message}): they need the right execute-api:Invoke on it`
        : `the API at ${api} refuses requests that are not signed (${message}): give its own https address, or AWS_REGION with a domain of your own`,
    );
  }
  // API Gateway's own words, where no route is: the address has a path too much or is another API's.
  if (status === 404 && /^not found$/i.test(message)) return new Failure(strangerText(api));
  if (status >= 300 && status < 400) return new Failure(strangerText(api));
  return new Failure(message);
}

async function messageOf(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    // Spillway says `message`; so does API Gateway, at times with a capital.
    const { message, Message } = JSON.parse(text) as Record<string, unknown>;
    const told = message ?? Message;
    if (typeof told === 'string') return told;
  } catch {
    // Not JSON: its status has to tell.
  }
  return `status ${answer.status}`;
}

/** fetch tells what happened in the error's cause; of several addresses tried, in each of theirs. */
function causeOf(error: unknown): unknown {
  const cause = (error as { cause?: unknown }).cause;
  return cause instanceof AggregateError ? cause.errors[0] : (cause ?? error);
}

function unreachableFailure(api: string, error: unknown): Failure | undefined {
  const code = (causeOf(error) as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED') {
    return new Failure(
      `nothing answers at ${api}: start the embedded cloud with "spillway up", or set SPILLWAY_API to the API of a deployment`,
      { cause: error },
    );
  }
  if (code === 'ENOTFOUND') {
    return new Failure(`there is no host ${new URL(api).hostname}: look at --api, or SPILLWAY_API`, {
      cause: error,
    });
  }
  return undefined;
}
