// The queues: their attributes against the template, dead letters that wait, and the in-flight quota.
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { MOST_MESSAGES_IN_FLIGHT } from '../../../infrastructure/in-flight.js';
import { parseJson } from '../../../shared/text/parse-json.ts';
import { type Check, examine, examineEach, type Problem, type World } from '../finding.ts';
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
    return [
      {
        level: 'fail' as const,
        about: logicalId,
        message: `${name} is ${actual[name] ?? 'not set'}, and ${wanted} in the template`,
        remedy: `aws sqs set-queue-attributes --queue-url ${physicalId} --attributes ${name}=${wanted}`,
      },
    ];
  });
  const target = all.find((each) => each.logicalId === deadLettersOf(queue));
  if (target === undefined) return problems;
  const { maxReceiveCount: wanted } = properties['RedrivePolicy'] as Redrive;
  const { deadLetterTargetArn = '', maxReceiveCount } = (parseJson(actual['RedrivePolicy'] ?? '') ??
    {}) as Redrive;
  const goesRight = String(deadLetterTargetArn).endsWith(`:${queueNameOf(target)}`);
  if (goesRight && String(maxReceiveCount) === String(wanted)) return problems;
  return [
    ...problems,
    {
      level: 'fail',
      about: logicalId,
      message: goesRight
        ? `a message becomes a dead letter after ${maxReceiveCount} receives, and after ${wanted} in the template`
        : `dead letters do not go to ${queueNameOf(target)}: a message that can't be handled comes back until it is dropped`,
      remedy: `set the queue's redrive policy back: ${queueNameOf(target)}, after ${wanted} receives`,
    },
  ];
}

export function judgeWaiting({ logicalId, physicalId }: StackResource, actual: Attributes): Problem[] {
  const waiting = countOf(actual, 'ApproximateNumberOfMessages');
  if (waiting === 0) return [];
  return [
    {
      level: 'warn',
      about: logicalId,
      message: `${waiting} dead ${waiting === 1 ? 'letter waits' : 'letters wait'} in ${queueNameOf({ physicalId })}`,
      remedy:
        'their handler takes each within minutes: look at its event source mapping and its log, and at `spillway deadletters`',
    },
  ];
}

export function judgeInFlight({ logicalId, physicalId }: StackResource, actual: Attributes): Problem[] {
  const inFlight = countOf(actual, 'ApproximateNumberOfMessagesNotVisible');
  if (inFlight < MOST_MESSAGES_IN_FLIGHT) return [];
  return [
    {
      level: 'fail',
      about: logicalId,
      message: `${inFlight} messages of ${queueNameOf({ physicalId })} are in flight: at about 120,000 SQS delivers no more, without an error`,
      remedy: 'lower the fleet with `spillway concurrency`, and look for other consumers of the queue',
    },
  ];
}

function countOf(actual: Attributes, name: string): number {
  return Number(actual[name] ?? 0);
}

/** All three checks read the same attributes. */
function examineQueue(world: World, queue: StackResource, judge: (actual: Attributes) => Problem[]) {
  return examine(
    queue.logicalId,
    'sqs:GetQueueAttributes',
    () =>
      world.clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: queue.physicalId, AttributeNames: ['All'] }),
      ),
    ({ Attributes: actual = {} }) => judge(actual),
  );
}

const needs = ['sqs:GetQueueAttributes'];

export const queueChecks: readonly Check[] = [
  {
    id: 'queues',
    good: 'The queues have the attributes of the template.',
    needs,
    run: (world) =>
      examineEach(queues(world), (queue) =>
        examineQueue(world, queue, (actual) => judgeAttributes(queue, actual, queues(world))),
      ),
  },
  {
    id: 'dead-letters',
    good: 'No dead letters wait.',
    needs,
    run: (world) =>
      examineEach(
        queues(world).filter((queue) => isDeadLetters(queue, queues(world))),
        (queue) => examineQueue(world, queue, (actual) => judgeWaiting(queue, actual)),
      ),
  },
  {
    id: 'in-flight',
    good: 'The queues are far from the in-flight quota.',
    needs,
    run: (world) =>
      examineEach(
        queues(world).filter((queue) => !isDeadLetters(queue, queues(world))),
        (queue) => examineQueue(world, queue, (actual) => judgeInFlight(queue, actual)),
      ),
  },
];
