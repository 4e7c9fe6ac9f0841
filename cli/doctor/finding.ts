// What the doctor says, and the form of a check.
import { type Look, look } from '../aws/look.ts';
import type { Clients } from './clients.ts';
import type { Stack } from './stack.ts';

export type Level = 'ok' | 'warn' | 'fail' | 'unchecked';

export interface Finding {
  /** Id of the check. */
  check: string;
  level: Level;
  /** What it is about: a resource's logical id or name. */
  about?: string;
  /** One sentence. */
  message: string;
  /** What to do. */
  remedy?: string;
}

/** A finding that is not good. */
export interface Problem {
  level: Exclude<Level, 'ok'>;
  about: string;
  message: string;
  remedy: string;
}

/** What the checks look at. */
export interface World {
  /** `spillway-prod`: the stack's name, and what every name begins with. */
  prefix: string;
  stage: string;
  region: string;
  account: string;
  stack: Stack;
  clients: Clients;
  /** Undefined where the API can't be asked. */
  ask?: Ask;
  nowMs: number;
}

/** Sends a request that is not signed. */
export type Ask = (
  url: string,
) => Promise<{ kind: 'answered'; status: number } | { kind: 'failed'; reason: string }>;

export interface Check {
  id: string;
  /** What is good where no problem is found: a sentence. */
  good: string;
  /** The IAM actions that it needs. */
  needs: readonly string[];
  run(world: World): Promise<Problem[]>;
}

/** The problem of a thing that could not be seen. */
export function uncheckedProblem(
  about: string,
  { action, denied, reason }: Extract<Look<unknown>, { kind: 'unseen' }>,
): Problem {
  return denied
    ? {
        level: 'unchecked',
        about,
        message: `not checked: your credentials do not allow ${action}`,
        remedy: `allow ${action}, and run the doctor again`,
      }
    : {
        level: 'unchecked',
        about,
        message: `not checked: ${action} failed with ${reason}`,
        remedy: 'run the doctor again',
      };
}

/**
 * Looks at a thing of the stack that must be there, and judges it.
 * @param unset what a setting is that was never made, by the code of the error that says so
 */
export async function examine<T>(
  about: string,
  action: string,
  call: () => Promise<T>,
  judge: (value: T) => Problem[],
  unset?: { code: string; value: T },
): Promise<Problem[]> {
  const seen = await look(action, call);
  if (seen.kind === 'seen') return judge(seen.value);
  if (seen.kind === 'unseen') return [uncheckedProblem(about, seen)];
  return seen.code === unset?.code ? judge(unset.value) : [missingProblem(about)];
}

/** Of a thing that the stack has made, and that somebody has removed. */
function missingProblem(about: string): Problem {
  return {
    level: 'fail',
    about,
    message: 'is gone, though the stack has made it',
    remedy:
      'CloudFormation does not notice it: show the drift with `aws cloudformation detect-stack-drift`, ' +
      'and create it again by hand, or remove the stage and deploy it again',
  };
}

export async function examineEach<T>(
  things: readonly T[],
  examineOne: (thing: T) => Promise<Problem[]>,
): Promise<Problem[]> {
  return (await Promise.all(things.map(examineOne))).flat();
}
