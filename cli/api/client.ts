// The commands' client of Spillway's API. It signs requests where the API asks for that, retries faults that may pass, and turns
// each refusal into a message with a remedy. Every request may be sent twice.
import { ROUTES, type Route } from '../../functions/api/routes.ts';
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
  /** Absent in answers of older deployments. */
  keptDays?: number | undefined;
}

interface Listed {
  cursor?: string | undefined;
  /** ISO time of the embedded cloud's start: it keeps nothing of earlier runs. Absent from a deployed API. */
  embeddedSince?: string | undefined;
}

export interface ApiClient {
  job(id: string): Promise<JobView>;
  jobs(limit: number, cursor?: string): Promise<JobList>;
  /** Absent: stays as it is. @returns the job with its new rate */
  setRate(id: string, rate: { objects?: number | undefined; bytes?: number | undefined }): Promise<JobView>;
  /** @returns the job after the order; of a redrive, the new job */
  order(id: string, order: Order): Promise<JobView>;
  deadLetters(limit: number, cursor?: string): Promise<DeadLetterList>;
}

export interface ApiDependencies {
  fetch: typeof fetch;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Called only if requests are signed. */
  credentials: () => Promise<Credentials>;
}

interface ApiCall {
  route: Route;
  /** For the route's `{id}`. */
  id?: string;
  query?: Record<string, string | number | undefined>;
}

const REQUEST_TIMEOUT_MS = 30_000;
/** Tries of a request that meets a fault of the connection or of the API. The pause between them doubles. */
const TRIES = 5;
const FIRST_PAUSE_MS = 250;
/** Tries of an order to a job that is not open yet: about a minute, with the pauses that the API asks for. */
const OPENING_TRIES = 30;

/** @param api the API's address, without a slash at the end */
export function createApiClient({ fetch, clock, env, credentials }: ApiDependencies, api: string): ApiClient {
  const base = new URL(api);
  const scope = signingScopeOf(base, env);
  const signer = scope === undefined ? undefined : createSigner(scope);

  /** Signed again for each try: a signature is valid for five minutes. */
  async function headersOf(method: string, path: string, query: string): Promise<Record<string, string>> {
    const accept = 'application/json';
    if (signer === undefined) return { accept };
    const request = { method, path, query, headers: { accept, host: base.host }, body: new Uint8Array() };
    // fetch sets the host itself.
    const { host: _host, ...headers } = signer.sign(request, await credentials(), new Date(clock.now()));
    return headers;
  }

  async function send({ route, id = '', query = {} }: ApiCall): Promise<Response> {
    const path = `${base.pathname === '/' ? '' : base.pathname}${route.path.replace('{id}', () => id)}`;
    const search = queryText(query);
    return await fetch(`${base.origin}${path}${search === '' ? '' : `?${search}`}`, {
      method: route.method,
      headers: await headersOf(route.method, path, search),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      redirect: 'manual',
    });
  }

  /** Retries faults that may pass. @throws Failure */
  async function answerOf(apiCall: ApiCall): Promise<Response> {
    for (let tries = 1; ; tries++) {
      let fault: Failure;
      try {
        const answer = await send(apiCall);
        if (answer.status < 500 && answer.status !== 429) return answer;
        const text = await messageOf(answer);
        fault = new Failure(`the API at ${api} failed (${answer.status}: ${text}); its log says why`);
      } catch (error) {
        if (error instanceof Failure) throw error;
        const unreachable = unreachableFailure(api, error);
        if (unreachable !== undefined) throw unreachable;
        fault = new Failure(`the API at ${api} does not answer: ${describeError(causeOf(error))}`, {
          cause: error,
        });
      }
      if (tries === TRIES) throw fault;
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }

  async function call<T extends object>(
    apiCall: ApiCall,
    onEmbedded: (answer: T, embeddedSince: string) => T = (answer) => answer,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const answer = await answerOf(apiCall);
      const retryAfterSeconds = secondsOf(answer.headers.get('retry-after'));
      if (answer.status === 409 && retryAfterSeconds > 0 && tries < OPENING_TRIES) {
        await answer.body?.cancel();
        await clock.sleep(retryAfterSeconds * 1000);
        continue;
      }
      const since = embeddedSince(answer.headers);
      const { id, route } = apiCall;
      // Text that is no id can't name a job of an earlier run.
      if (answer.status === 404 && since !== undefined && id !== undefined && isJobId(id)) {
        await answer.body?.cancel();
        throw new Failure(forgottenText(id, since));
      }
      if (!answer.ok) throw refusal(api, answer.status, await messageOf(answer), signer !== undefined);
      const body: unknown = await answer.json().catch(() => undefined);
      if (!route.answer.safeParse(body).success) throw new Failure(notSpillwayText(api));
      return since === undefined ? (body as T) : onEmbedded(body as T, since);
    }
  }

  return {
    job: (id) => call<JobView>({ route: ROUTES.getJob, id }),
    jobs: (limit, cursor) => call<JobList>({ route: ROUTES.listJobs, query: { limit, cursor } }, sinceStart),
    order: (id, order) => call<JobView>({ route: ROUTES[`${order}Job` as const], id }),
    setRate: (id, { objects, bytes }) =>
      call<JobView>({
        route: ROUTES.rateJob,
        id,
        query: { 'max-rate-per-second': objects, 'max-bytes-per-second': bytes },
      }),
    deadLetters: (limit, cursor) =>
      call<DeadLetterList>({ route: ROUTES.listDeadLetters, query: { limit, cursor } }, sinceStart),
  };
}

/** Seconds of a Retry-After header; 0 unless it is a short wait, so that no server can stop the command for long. */
function secondsOf(text: string | null): number {
  return /^\d{1,2}$/.test(text ?? '') ? Number(text) : 0;
}

function sinceStart<T extends Listed>(list: T, since: string): T {
  return { ...list, embeddedSince: since };
}

function forgottenText(id: string, since: string): string {
  return (
    `there is no job ${id}: the embedded cloud was started at ${since} and keeps nothing of an earlier run. ` +
    'If the job is from before, drop its manifest again; else look at the id: spillway status lists the jobs there are'
  );
}

function notSpillwayText(api: string): string {
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
  // API Gateway's own text for a path without a route: the address has an extra path or belongs to another API.
  if (status === 404 && /^not found$/i.test(message)) return new Failure(notSpillwayText(api));
  if (status >= 300 && status < 400) return new Failure(notSpillwayText(api));
  return new Failure(message);
}

async function messageOf(answer: Response): Promise<string> {
  const body = await answer.text();
  try {
    // Spillway's member is `message`. So is API Gateway's, sometimes with a capital.
    const { message, Message } = JSON.parse(body) as Record<string, unknown>;
    const text = message ?? Message;
    if (typeof text === 'string') return text;
  } catch {
    // Not JSON: the status is all there is.
  }
  return `status ${answer.status}`;
}

/** fetch puts the reason into the error's cause; after several addresses, into an error for each of them. */
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
