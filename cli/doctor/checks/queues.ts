// The queues: their attributes against the template, dead letters that wait, and the in-flight quota.
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { MOST_MESSAGES_IN_FLIGHT } from '../../../infrastructure/in-flight.js';
import { parseJson } from '../../../shared/text/parse-json.ts';
import type { Clients } from '../clients.ts';
import { type Check, fail, type Problem, resourceCheck, type World, warn } from '../finding.ts';
import { ofType, queueNameOf, referredTo, type StackResource } from '../stack.ts';

/** Those that matter to the pipeline, by their names in the template and in GetQueueAttributes alike. */
const COMPARED = ['VisibilityTimeout', 'MessageRetentionPeriod', 'DelaySeconds', 'SqsManagedSseEnabled'];

type Attributes = Readonly<Record<string, string | undefined>>;

interface Redrive {
  deadLetterTargetArn?: unknown;
  maxReceiveCount?: unknown;
}

const queues = ({ stack }: World) => ofType(stack, 'AWS::SQS::Queue');

/** The logical id of the queue's dead-letter queue; undefined where it has none. */
function deadLettersOf({ properties }: StackResource): string | undefined {
  return referredTo((properties['RedrivePolicy'] as Redrive | undefined)?.deadLetterTargetArn);
}

function isDeadLetters(queue: StackResource, all: readonly StackResource[]): boolean {
  return all.some((each) => deadLettersOf(each) === queue.logicalId);
}

export function judgeAttributes(
  queue: StackResource,
  actual: Attributes,
  all: readonly StackResource[],
): Problem[] {
  const { logicalId, properties, physicalId } = queue;
  const problems = COMPARED.flatMap((name) => {
    const wanted = properties[name];
    if (wanted === undefined || String(wanted) === actual[name]) return [];
    return fail(
      logicalId,
      `${name} is ${actual[name] ?? 'not set'}, and ${wanted} in the template`,
      `aws sqs set-queue-attributes --queue-url ${physicalId} --attributes ${name}=${wanted}`,
    );
  });
  const target = all.find((each) => each.logicalId === deadLettersOf(queue));
  if (target === undefined) return problems;
  const { maxReceiveCount: wanted } = properties['RedrivePolicy'] as Redrive;
  const { deadLetterTargetArn = '', maxReceiveCount } = (parseJson(actual['RedrivePolicy'] ?? '') ??
    {}) as Redrive;
  const goesRight = String(deadLetterTargetArn).endsWith(`:${queueNameOf(target)}`);
  if (goesRight && String(maxReceiveCount) === String(wanted)) return problems;
  const fault = goesRight
    ? `a message becomes a dead letter after ${maxReceiveCount} receives, and after ${wanted} in the template`
    : `dead letters do not go to ${queueNameOf(target)}: a message that can't be handled comes back until it is dropped`;
  const remedy = `set the queue's redrive policy back: ${queueNameOf(target)}, after ${wanted} receives`;
  return [...problems, ...fail(logicalId, fault, remedy)];
}

export function judgeWaiting({ logicalId, physicalId }: StackResource, actual: Attributes): Problem[] {
  const waiting = countOf(actual, 'ApproximateNumberOfMessages');
  if (waiting === 0) return [];
  return warn(
    logicalId,
    `${waiting} dead ${waiting === 1 ? 'letter waits' : 'letters wait'} in ${queueNameOf({ physicalId })}`,
    'their handler takes each within minutes: look at its event source mapping and its log, and at `spillway deadletters`',
  );
}

export function judgeInFlight({ logicalId, physicalId }: StackResource, actual: Attributes): Problem[] {
  const inFlight = countOf(actual, 'ApproximateNumberOfMessagesNotVisible');
  if (inFlight < MOST_MESSAGES_IN_FLIGHT) return [];
  return fail(
    logicalId,
    `${inFlight} messages of ${queueNameOf({ physicalId })} are in flight: at about 120,000 SQS delivers no more, without an error`,
    'lower the fleet with `spillway concurrency`, and look for other consumers of the queue',
  );
}

function countOf(actual: Attributes, name: string): number {
  return Number(actual[name] ?? 0);
}

/** All three checks read the same attributes. */
const READING = {
  action: 'sqs:GetQueueAttributes',
  ask: async ({ sqs }: Pick<Clients, 'sqs'>, { physicalId }: StackResource): Promise<Attributes> => {
    const asked = new GetQueueAttributesCommand({ QueueUrl: physicalId, AttributeNames: ['All'] });
    return (await sqs.send(asked)).Attributes ?? {};
  },
};

export const queueChecks: readonly Check[] = [
  resourceCheck({
    ...READING,
    id: 'queues',
    good: 'The queues have the attributes of the template.',
    resources: queues,
    judge: (queue, actual, world) => judgeAttributes(queue, actual, queues(world)),
  }),
  resourceCheck({
    ...READING,
    id: 'dead-letters',
    good: 'No dead letters wait.',
    resources: (world) => queues(world).filter((queue) => isDeadLetters(queue, queues(world))),
    judge: judgeWaiting,
  }),
  resourceCheck({
    ...READING,
    id: 'in-flight',
    good: 'The queues are far from the in-flight quota.',
    resources: (world) => queues(world).filter((queue) => !isDeadLetters(queue, queues(world))),
    judge: judgeInFlight,
  }),
];
