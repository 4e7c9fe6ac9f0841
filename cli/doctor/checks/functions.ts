// The functions: their state, what bounds their concurrency, and the schedule of sweep.
import { DescribeRuleCommand } from '@aws-sdk/client-eventbridge';
import {
  GetAccountSettingsCommand,
  type GetAccountSettingsCommandOutput,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  GetFunctionRecursionConfigCommand,
} from '@aws-sdk/client-lambda';
import { UNMAPPED_CONCURRENCY } from '../../../infrastructure/capacity.js';
import { type Check, eachCheck, fail, type Problem, resourceCheck, type World, warn } from '../finding.ts';
import { concurrencyOf, ofType, type Stack, type StackResource } from '../stack.ts';

type Actual = Pick<
  GetFunctionConfigurationCommandOutput,
  'State' | 'StateReason' | 'LastUpdateStatus' | 'LastUpdateStatusReason' | 'Runtime'
>;

/** What Lambda's poller takes at least of each event source. */
const LEAST_OF_A_MAPPING = 2;

const functions = ({ stack }: World) => ofType(stack, 'AWS::Lambda::Function');

export function judgeFunction({ logicalId: about, properties }: StackResource, actual: Actual): Problem[] {
  const { State, LastUpdateStatus, Runtime } = actual;
  const problems: Problem[] = [];
  if (State === 'Failed' || LastUpdateStatus === 'Failed') {
    const reason = actual.LastUpdateStatusReason ?? actual.StateReason ?? 'no reason given';
    problems.push(...fail(about, `its last change failed: ${reason}`, 'remove the cause, and deploy again'));
  } else if (State === 'Pending' || LastUpdateStatus === 'InProgress') {
    problems.push(...warn(about, 'is being changed', 'run the doctor again in a minute'));
  }
  const wanted = properties['Runtime'];
  if (wanted !== undefined && Runtime !== wanted) {
    const message = `runs on ${Runtime ?? 'no runtime'}, and on ${wanted} in the template`;
    problems.push(...warn(about, message, 'deploy again with --force'));
  }
  return problems;
}

export function judgeReserved({ logicalId: about, physicalId }: StackResource, reserved: number | undefined) {
  if (reserved === undefined) return [];
  const remedy = `aws lambda delete-function-concurrency --function-name ${physicalId}`;
  if (reserved === 0) return fail(about, 'is stopped: its reserved concurrency is 0', remedy);
  return warn(
    about,
    `has a reserved concurrency of ${reserved}: where its event source takes more, good messages become dead letters`,
    remedy,
  );
}

export function judgeRecursion(
  { logicalId: about, physicalId }: StackResource,
  loop: string | undefined,
): Problem[] {
  if (loop === 'Allow') return [];
  return fail(
    about,
    'Lambda takes its reposts for a loop, and stops them after 16 rounds',
    `aws lambda put-function-recursion-config --function-name ${physicalId} --recursive-loop Allow`,
  );
}

/** What the stage may run at once against what the account may. */
export function judgeAccount(
  { AccountLimit }: Pick<GetAccountSettingsCommandOutput, 'AccountLimit'>,
  stack: Pick<Stack, 'resources'>,
): Problem[] {
  const { UnreservedConcurrentExecutions: available, ConcurrentExecutions: limit } = AccountLimit ?? {};
  if (available === undefined) return [];
  const mappings = ofType(stack, 'AWS::Lambda::EventSourceMapping');
  const most = mappings.reduce((sum, each) => sum + Number(concurrencyOf(each) ?? 0), UNMAPPED_CONCURRENCY);
  if (available >= most) return [];
  const least = mappings.length * LEAST_OF_A_MAPPING + UNMAPPED_CONCURRENCY;
  const judge = available < least ? fail : warn;
  return judge(
    'account',
    `${available} functions may run at once in this account and region (its limit is ${limit ?? 'unknown'}), ` +
      `and this stage may ask for ${most}: Lambda throttles the rest. Their messages wait, and after five receives become dead letters`,
    'raise the quota "Concurrent executions" of Lambda in Service Quotas, or deploy with a lower maximumConcurrency',
  );
}

export function judgeRule(
  { logicalId: about, physicalId, properties }: StackResource,
  state: string | undefined,
): Problem[] {
  if (state === undefined || state.startsWith('ENABLED')) return [];
  // The rule of the further inboxes has a pattern, and no schedule.
  const isSchedule = properties['ScheduleExpression'] !== undefined;
  return fail(
    about,
    isSchedule
      ? 'is disabled, so sweep does not run: lost messages are not sent again, and jobs do not end in time'
      : 'is disabled, so EventBridge announces no new manifests of the further inboxes: they start no job',
    `aws events enable-rule --name ${physicalId}`,
  );
}

export const functionChecks: readonly Check[] = [
  resourceCheck({
    id: 'functions',
    good: 'The functions are ready.',
    action: 'lambda:GetFunctionConfiguration',
    resources: functions,
    ask: ({ lambda }, { physicalId }) =>
      lambda.send(new GetFunctionConfigurationCommand({ FunctionName: physicalId })),
    judge: judgeFunction,
  }),
  resourceCheck({
    id: 'reserved-concurrency',
    good: 'No function has a reserved concurrency.',
    action: 'lambda:GetFunctionConcurrency',
    resources: functions,
    ask: ({ lambda }, { physicalId }) =>
      lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: physicalId })),
    judge: (each, { ReservedConcurrentExecutions: reserved }) => judgeReserved(each, reserved),
  }),
  resourceCheck({
    id: 'recursion',
    good: 'The functions that send messages back to their own queue may do so.',
    action: 'lambda:GetFunctionRecursionConfig',
    resources: (world) =>
      functions(world).filter(({ properties }) => properties['RecursiveLoop'] === 'Allow'),
    ask: ({ lambda }, { physicalId }) =>
      lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName: physicalId })),
    judge: (each, { RecursiveLoop }) => judgeRecursion(each, RecursiveLoop),
  }),
  eachCheck({
    id: 'account-concurrency',
    good: 'The account may run all functions of this stage at once.',
    action: 'lambda:GetAccountSettings',
    things: () => ['account'],
    about: (account) => account,
    ask: ({ lambda }) => lambda.send(new GetAccountSettingsCommand({})),
    judge: (_account, actual, { stack }) => judgeAccount(actual, stack),
  }),
  resourceCheck({
    id: 'rules',
    good: 'Sweep runs each minute, and no rule is disabled.',
    action: 'events:DescribeRule',
    resources: ({ stack }) => ofType(stack, 'AWS::Events::Rule'),
    ask: ({ eventbridge }, { physicalId }) => eventbridge.send(new DescribeRuleCommand({ Name: physicalId })),
    judge: (rule, { State }) => judgeRule(rule, State),
  }),
];
