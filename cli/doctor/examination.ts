// The doctor's round: who asks, which stack there is, then every check of the table at once.
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { Clock } from '../../shared/time/clock.ts';
import { look } from '../aws/look.ts';
import { alarmChecks } from './checks/alarms.ts';
import { apiChecks } from './checks/api.ts';
import { bucketChecks } from './checks/buckets.ts';
import { functionChecks } from './checks/functions.ts';
import { inboxChecks } from './checks/inboxes.ts';
import { ledgerChecks } from './checks/ledger.ts';
import { mappingCheck } from './checks/mappings.ts';
import { policyChecks } from './checks/policies.ts';
import { queueChecks } from './checks/queues.ts';
import { stackCheck } from './checks/stack.ts';
import { type Check, type Finding, fail, inRegion, type Problem, unseen, type World } from './finding.ts';
import { findLeftovers, LEFTOVER_NEEDS } from './leftovers.ts';
import { readStack } from './stack.ts';

/** In the order in which they are shown. */
export const CHECKS: readonly Check[] = [
  stackCheck,
  ...bucketChecks,
  ...queueChecks,
  ...policyChecks,
  mappingCheck,
  ...inboxChecks,
  ...functionChecks,
  ...apiChecks,
  ...ledgerChecks,
  ...alarmChecks,
];

/** Every IAM action that the doctor looks with, sorted. */
export function neededActions(): string[] {
  return [...new Set([...CHECKS.flatMap(({ needs }) => needs), ...LEFTOVER_NEEDS])].sort();
}

export interface Examination {
  account: string | undefined;
  /** The caller's ARN. */
  caller: string | undefined;
  findings: Finding[];
}

type Place = Pick<World, 'prefix' | 'stage' | 'region'>;

export async function examineStage(
  { clients, clock, ask }: Pick<World, 'clients' | 'ask'> & { clock: Clock },
  place: Place,
): Promise<Examination> {
  const identity = await look('sts:GetCallerIdentity', () =>
    clients.sts.send(new GetCallerIdentityCommand({})),
  );
  if (identity.kind !== 'seen') {
    const reason = identity.kind === 'unseen' ? identity.reason : 'no such service';
    return { account: undefined, caller: undefined, findings: [identityFinding(reason)] };
  }
  const { Account: account = '', Arn: caller } = identity.value;
  const named: Finding = {
    check: 'identity',
    level: 'ok',
    message: `You are ${caller ?? 'unknown'}, in ${place.region}.`,
  };
  const about = { ...place, account, clients, ask, nowMs: clock.now() };
  const stack = await readStack(clients.cloudformation, place.prefix);
  const rest =
    stack.kind === 'seen'
      ? await runChecks({ ...about, stack: stack.value })
      : stack.kind === 'absent'
        ? await examineRemoved(about)
        : findingsOf(stackCheck.id, unseen(place.prefix, stack), place);
  return { account, caller, findings: [named, ...rest] };
}

async function runChecks(world: World): Promise<Finding[]> {
  const found = await Promise.all(
    CHECKS.map(async (check): Promise<Finding[]> => {
      const problems = await check.run(world);
      return problems.length === 0
        ? [{ check: check.id, level: 'ok', message: check.good }]
        : findingsOf(check.id, problems, world);
    }),
  );
  return found.flat();
}

async function examineRemoved(about: Omit<World, 'stack'>): Promise<Finding[]> {
  const { prefix, stage, region, account } = about;
  const missing = fail(
    prefix,
    `there is no stack ${prefix} in ${region} of account ${account}`,
    `give the stage's own --region and --stage, or deploy it: npx serverless deploy --stage ${stage} --region ${region}`,
  );
  return [
    ...findingsOf(stackCheck.id, missing, about),
    ...findingsOf('leftovers', await findLeftovers(about), about),
  ];
}

function identityFinding(reason: string): Finding {
  return {
    check: 'identity',
    level: 'fail',
    message: `AWS does not take your credentials: ${reason}`,
    remedy: 'renew them (aws sso login, aws configure), or choose others with AWS_PROFILE',
  };
}

function findingsOf(
  check: string,
  problems: readonly Problem[],
  { region }: Pick<Place, 'region'>,
): Finding[] {
  return problems.map((problem) => ({ check, ...problem, remedy: inRegion(problem.remedy, region) }));
}
