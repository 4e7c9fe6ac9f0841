// A bucket as the configuration names it, with the account that owns it.
//
//   photos                 of the stack's own account
//   photos@123456789012    of this account
//   photos@any             of an account that is not known, as a public data set's; for sources alone
import { isBucketName } from './bucket-name.ts';

export interface OwnedBucket {
  bucket: string;
  /** Id of its account, or `any`. Absent: the stack's own. */
  account?: string;
}

const ANY_ACCOUNT = 'any';

/** @returns undefined for text of another form */
export function parseOwnedBucket(text: string): OwnedBucket | undefined {
  const [bucket = '', account, ...rest] = text.split('@');
  if (!isBucketName(bucket) || rest.length > 0) return undefined;
  if (account === undefined) return { bucket };
  return account === ANY_ACCOUNT || /^\d{12}$/.test(account) ? { bucket, account } : undefined;
}

/**
 * @param ownAccount of the stack; buckets that are not listed are its own
 * @returns the account that must own a bucket; undefined where any may
 */
export function createOwnerOf(
  ownAccount: string,
  listed: readonly OwnedBucket[],
): (bucket: string) => string | undefined {
  const accounts = new Map(listed.map(({ bucket, account = ownAccount }) => [bucket, account]));
  return (bucket) => {
    const account = accounts.get(bucket) ?? ownAccount;
    return account === ANY_ACCOUNT ? undefined : account;
  };
}
