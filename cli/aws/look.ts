// A look at something on AWS, as a value: what is there, that it is absent, or why it could not be seen.
import { boundedText } from '../../shared/text/bounded.ts';

export type Look<T> =
  | { kind: 'seen'; value: T }
  /** `code`: the error's name, since not the thing but a setting of it may be absent. */
  | { kind: 'absent'; code: string }
  /** `denied`: the action is not allowed. Otherwise `reason` says what happened. */
  | { kind: 'unseen'; action: string; denied: boolean; reason: string };

const DENIED = /^(AccessDenied|AuthorizationError|UnauthorizedOperation|NotAuthorized|Forbidden)/;
const ABSENT = /NotFound|NoSuch|NonExistentQueue|QueueDoesNotExist/;

type AwsError = Partial<Error> & { $metadata?: { httpStatusCode?: number } };

/**
 * @param action the IAM action that the call needs
 * @param call is not repeated here: the client does that
 */
export async function look<T>(action: string, call: () => Promise<T>): Promise<Look<T>> {
  try {
    return { kind: 'seen', value: await call() };
  } catch (error) {
    const { name = 'Error', message = '', $metadata } = error as AwsError;
    // A bare 404 may be an endpoint that does not know the call at all.
    if (ABSENT.test(name)) return { kind: 'absent', code: name };
    const denied =
      DENIED.test(name) || ($metadata?.httpStatusCode === 403 && !/Token|Signature|ClientTokenId/.test(name));
    return { kind: 'unseen', action, denied, reason: boundedText(`${name}: ${message}`) };
  }
}

/** What the look brought, where it is seen; what is absent and what is unseen stay as they are. */
export function mapLook<T, U>(look: Look<T>, map: (value: T) => U): Look<U> {
  return look.kind === 'seen' ? { kind: 'seen', value: map(look.value) } : look;
}
