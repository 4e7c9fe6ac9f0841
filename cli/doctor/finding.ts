// What the doctor says, and the form of a check.
import { type Look, look } from '../aws/look.ts';
import type { Clients } from './clients.ts';
import type { Stack, StackResource } from './stack.ts';

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
  ask?: Ask | undefined;
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

/** @returns it as a list, as a judgement gives its problems */
export function fail(about: string, message: string, remedy: string): Problem[] {
  return [{ level: 'fail', about, message, remedy }];
}

/** As `fail`. */
export function warn(about: string, message: string, remedy: string): Problem[] {
  return [{ level: 'warn', about, message, remedy }];
}

/** As `fail`. @param reason why it could not be checked */
export function unchecked(about: string, reason: string, remedy: string): Problem[] {
  return [{ level: 'unchecked', about, message: `not checked: ${reason}`, remedy }];
}

/** The commands of a remedy, for the stage's region: the AWS CLI has a default that may be another. */
export function inRegion(remedy: string, region: string): string {
  return remedy.replace(/\baws ([a-z0-9]+ [a-z][a-z-]*)(?![a-z-]| --region)/g, `aws $1 --region ${region}`);
}

/** The problem of a thing that could not be seen. */
export function unseen(
  about: string,
  { action, denied, reason }: Extract<Look<unknown>, { kind: 'unseen' }>,
): Problem[] {
  return denied
    ? unchecked(about, `your credentials do not allow ${action}`, `allow ${action}, and run the doctor again`)
    : unchecked(about, `${action} failed with ${reason}`, 'run the doctor again');
}

/**
 * Looks at a thing of the stack that must be there, and judges it.
 * @param unset the value of a setting that was never made, and the code of the error that says so
 */
export async function examine<T>(
  about: string,
  action: string,
  call: () => Promise<T>,
  judge: (value: T) => Problem[] | Promise<Problem[]>,
  unset?: { code: string; value: T },
): Promise<Problem[]> {
  const seen = await look(action, call);
  if (seen.kind === 'seen') return judge(seen.value);
  if (seen.kind === 'unseen') return unseen(about, seen);
  if (seen.code === unset?.code) return judge(unset.value);
  // The stack has made it, and somebody has removed it.
  return fail(
    about,
    'is gone, although the stack created it',
    'CloudFormation does not notice it: show the drift with `aws cloudformation detect-stack-drift --stack-name STACK`, ' +
      'and create it again by hand, or remove the stage and deploy it again',
  );
}

export async function examineEach<T>(
  things: readonly T[],
  examineOne: (thing: T) => Promise<Problem[]>,
): Promise<Problem[]> {
  return (await Promise.all(things.map(examineOne))).flat();
}

/** A check that asks AWS the same of each of some things. */
interface EachCheck<Thing, Answer> extends Pick<Check, 'id' | 'good'> {
  /** The IAM action that `ask` needs. */
  action: string;
  things(world: World): readonly Thing[];
  /** What its problems are about. */
  about(thing: Thing): string;
  ask(clients: Clients, thing: Thing): Promise<Answer>;
  judge(thing: Thing, answer: Answer, world: World): Problem[];
  /** As in `examine`. */
  unset?: { code: string; value: Answer };
}

export function eachCheck<Thing, Answer>(check: EachCheck<Thing, Answer>): Check {
  const { id, good, action, things, about, ask, judge, unset } = check;
  return {
    ...{ id, good, needs: [action] },
    run: (world) =>
      examineEach(things(world), (thing) =>
        examine(
          about(thing),
          action,
          () => ask(world.clients, thing),
          (answer) => judge(thing, answer, world),
          unset,
        ),
      ),
  };
}

interface ResourceCheck<Resource, Answer> extends Omit<EachCheck<Resource, Answer>, 'things' | 'about'> {
  resources(world: World): readonly Resource[];
}

/** Of some resources of the stack. */
export function resourceCheck<Resource extends StackResource, Answer>({
  resources,
  ...check
}: ResourceCheck<Resource, Answer>): Check {
  return eachCheck({ ...check, things: resources, about: ({ logicalId }) => logicalId });
}
