// The event source mappings: whether the queues invoke the functions, and under the terms of the template.
import {
  GetEventSourceMappingCommand,
  type GetEventSourceMappingCommandOutput,
} from '@aws-sdk/client-lambda';
import { inFlightFault } from '../../../infrastructure/in-flight.js';
import { fail, type Problem, resourceCheck, warn } from '../finding.ts';
import { concurrencyOf, ofType, type StackResource } from '../stack.ts';

type Actual = Pick<
  GetEventSourceMappingCommandOutput,
  'State' | 'BatchSize' | 'FunctionResponseTypes' | 'ScalingConfig' | 'StateTransitionReason'
>;

const REPORTS = 'ReportBatchItemFailures';

export function judgeMapping(mapping: StackResource, actual: Actual): Problem[] {
  const { logicalId: about, properties, physicalId } = mapping;
  const change = `aws lambda update-event-source-mapping --uuid ${physicalId}`;
  const problems: Problem[] = [];
  const { State = 'unknown', BatchSize, FunctionResponseTypes = [], ScalingConfig } = actual;
  if (/^Disabl/.test(State)) {
    const message = `is ${State.toLowerCase()}: the queue's messages wait, and nothing handles them`;
    problems.push(...fail(about, message, `${change} --enabled`));
  } else if (State !== 'Enabled') {
    const message = `is in state ${State} (${actual.StateTransitionReason ?? 'no reason given'})`;
    problems.push(...warn(about, message, 'run the doctor again in a minute'));
  }
  if (isDeclared(properties['FunctionResponseTypes'], REPORTS) && !FunctionResponseTypes.includes(REPORTS)) {
    const message = `does not take ${REPORTS}: Lambda deletes the messages that a function gives back, and their rows wait for a replay`;
    problems.push(...fail(about, message, `${change} --function-response-types ${REPORTS}`));
  }
  const most = ScalingConfig?.MaximumConcurrency;
  const differs = [
    ...difference('MaximumConcurrency', most, concurrencyOf(mapping)),
    ...difference('BatchSize', BatchSize, properties['BatchSize']),
  ];
  if (differs.length > 0) {
    const remedy =
      'a deployment that changes this mapping puts back its own value: to keep the present one, deploy it as the parameter';
    problems.push(...warn(about, differs.join('; '), remedy));
  }
  const fault =
    most === undefined || BatchSize === undefined
      ? undefined
      : inFlightFault({ maximumConcurrency: most, batchSize: BatchSize });
  if (fault !== undefined) {
    problems.push(...fail(about, fault, 'lower it with `spillway concurrency`'));
  }
  return problems;
}

function isDeclared(list: unknown, value: string): boolean {
  return Array.isArray(list) && list.includes(value);
}

function difference(name: string, actual: number | undefined, wanted: unknown): string[] {
  if (wanted === undefined || String(wanted) === String(actual)) return [];
  return [`${name} is ${actual ?? 'not set'}, and ${wanted} in the template`];
}

export const mappingCheck = resourceCheck({
  id: 'event-sources',
  good: 'The queues invoke the functions as the template says.',
  action: 'lambda:GetEventSourceMapping',
  resources: ({ stack }) => ofType(stack, 'AWS::Lambda::EventSourceMapping'),
  ask: ({ lambda }, { physicalId }) => lambda.send(new GetEventSourceMappingCommand({ UUID: physicalId })),
  judge: judgeMapping,
});
