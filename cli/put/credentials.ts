// Handles credentials that expire while files are on their way. Those of a session in the environment can't be renewed, and
// trying again with them would go on until the last file's retry time.
//
//   renewed by their provider   the files are tried again
//   of a fixed value            the run ends at once, also with credentials of the environment that name their expiration
//   not renewed in time         the run ends: the provider's own session is over, or the account refuses it
import type { S3Client } from '@aws-sdk/client-s3';
import type { Fault } from '../../shared/aws/classify.ts';
import type { Credentials } from '../../shared/aws/signature.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { describeError } from '../failure.ts';

/** S3's codes for credentials that it does not know, or no longer knows. */
export const BAD_CREDENTIALS: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
]);
/** Codes for credentials that have expired, and the SDK's own errors if a provider has no credentials to give. */
const EXPIRED = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'InvalidToken',
  'CredentialsProviderError',
  'TokenProviderError',
]);
/** A provider's own service may be away for a while. */
const RENEWAL_MS = 30_000;
/** Between two requests to the provider: many files notice the same expiry at once. */
const RENEW_EVERY_MS = 1_000;

/** What ended a run before its files did. */
export type EndFault = Pick<Fault, 'code' | 'message'>;

export interface CredentialsWatch {
  /** Called with each request's fault. */
  onFault(fault: Fault): void;
  /** Called after each request that S3 took. */
  onTaken(): void;
}

export interface WatchDependencies {
  credentials: S3Client['config']['credentials'];
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** Called once: nothing can be stored any more. */
  onEnd(why: EndFault): void;
}

export function watchCredentials({ credentials, env, clock, onEnd }: WatchDependencies): CredentialsWatch {
  let refusedSinceMs: number | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let isAsking = false;
  let hasEnded = false;

  function end(why: EndFault): void {
    if (hasEnded) return;
    hasEnded = true;
    onEnd(why);
  }

  async function renew(fault: Fault): Promise<void> {
    const sinceMs = refusedSinceMs ?? clock.now();
    let why: EndFault = { code: fault.code, message: fault.message };
    try {
      const old = await credentials();
      const renewed = await credentials({ forceRefresh: true });
      const isFixed = renewed.expiration === undefined || renewed.accessKeyId === env['AWS_ACCESS_KEY_ID'];
      if (areSame(old, renewed) && isFixed) return end(why);
    } catch (error) {
      why = { code: fault.code, message: describeError(error) };
    }
    if (refusedSinceMs !== undefined && clock.now() - sinceMs >= RENEWAL_MS) end(why);
  }

  return {
    onFault(fault) {
      if (!EXPIRED.has(fault.code)) return;
      const nowMs = clock.now();
      refusedSinceMs ??= nowMs;
      if (isAsking || hasEnded || nowMs - askedAtMs < RENEW_EVERY_MS) return;
      askedAtMs = nowMs;
      isAsking = true;
      void renew(fault).finally(() => {
        isAsking = false;
      });
    },
    onTaken() {
      refusedSinceMs = undefined;
    },
  };
}

function areSame(one: Credentials, other: Credentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.sessionToken === other.sessionToken;
}
