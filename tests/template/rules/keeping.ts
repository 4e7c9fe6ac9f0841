// What is kept, and for how long: data that outlives the stack, messages, dead letters and logs.
import type { Template } from '../../helpers/package-service.ts';
import { renderTemplate } from '../../helpers/rendered-template.ts';
import { checkEach, type Exceptions, isRecord, type Rule, resourcesOf } from './rule.ts';
import { holdsData } from './specification.ts';

/** Lambda's advice for a queue as event source: six times the function's timeout, and the batching window. */
const VISIBILITY_PER_TIMEOUT = 6;

/** Resources that go with the stack though they hold data, and what keeps the data. */
const GOES_WITH_THE_STACK: Exceptions = {
  ServerlessDeploymentBucket: 'holds packages that can be built again',
  IngestQueue: 'the manifests stay in the inbox, and the ledger knows the slices',
  UploadQueue: 'the ledger knows every row that has not ended',
  SettleQueue: 'outcomes stay in the report bucket, and the ledger knows the slices',
  DeadLetters: 'letters are kept in the report bucket once they are handled, within seconds',
};

const RETAINS = ['Retain', 'RetainExceptOnCreate'];

export const KEEPING_RULES: Rule[] = [
  {
    name: 'data outlives the stack',
    reason: 'Removing the stack, or a change that replaces a resource, would delete what has no other copy.',
    check: (template) =>
      checkEach(
        Object.entries(template.Resources).filter(
          ([, { Type }]) => holdsData(Type) && Type !== 'AWS::Logs::LogGroup',
        ),
        ({ DeletionPolicy = 'Delete', UpdateReplacePolicy = 'Delete' }) => {
          if (!RETAINS.includes(DeletionPolicy)) return `is deleted with the stack: ${DeletionPolicy}`;
          return UpdateReplacePolicy === 'Retain'
            ? undefined
            : `is deleted when it is replaced: ${UpdateReplacePolicy}`;
        },
        GOES_WITH_THE_STACK,
      ),
  },
  {
    name: 'logs expire',
    reason:
      'Lambda makes a log group without retention for a function that has none, and it is billed for ever.',
    check(template) {
      const groups = resourcesOf(template, 'AWS::Logs::LogGroup');
      const kept = new Map(
        groups.map(([, { Properties }]) => [
          String(Properties.LogGroupName),
          Number(Properties.RetentionInDays ?? 0),
        ]),
      );
      const unkept = checkEach(resourcesOf(template, 'AWS::Lambda::Function'), ({ Properties }) => {
        const name = `/aws/lambda/${String(Properties.FunctionName)}`;
        return kept.has(name) ? undefined : `writes logs to ${name}, which is no log group of the template`;
      });
      const forEver = checkEach(groups, ({ Properties }) =>
        Number(Properties.RetentionInDays ?? 0) > 0 ? undefined : 'keeps its logs for ever',
      );
      return { checked: unkept.checked + forEver.checked, faults: [...unkept.faults, ...forEver.faults] };
    },
  },
  {
    name: 'messages stay hidden while their function works',
    reason: 'A message that becomes visible too early is received twice, and counts as a failed receive.',
    check: (template) =>
      checkEach(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'), ({ Properties }) => {
        const queue = template.Resources[idOf(Properties.EventSourceArn)]?.Properties ?? {};
        const timeout = template.Resources[idOf(Properties.FunctionName)]?.Properties.Timeout;
        const windowSeconds = Number(Properties.MaximumBatchingWindowInSeconds ?? 0);
        const least = VISIBILITY_PER_TIMEOUT * Number(timeout) + windowSeconds;
        const hidden = Number(queue.VisibilityTimeout ?? 30);
        return hidden >= least ? undefined : `hides messages for ${hidden} s, less than ${least} s`;
      }),
  },
  {
    name: 'dead letters outlive their queue',
    reason: 'A dead letter keeps the age of its message: one that is moved late would expire at once.',
    check(template) {
      const arnsOf = (id: string): unknown => renderTemplate(template).Resources[id]?.Properties;
      const sources = resourcesOf(template, 'AWS::SQS::Queue').filter(
        ([id]) => !isDeadLetterQueue(template, id),
      );
      return checkEach(sources, ({ Properties }, id) => {
        const policy = isRecord(Properties.RedrivePolicy) ? Properties.RedrivePolicy : {};
        const targetId = idOf(policy.deadLetterTargetArn);
        const target = template.Resources[targetId];
        if (target === undefined) return 'has no queue of dead letters';
        const [own, theirs] = [Properties, target.Properties].map((each) =>
          Number(each.MessageRetentionPeriod ?? 345_600),
        );
        if (!(Number(theirs) > Number(own)))
          return `keeps messages for ${own} s, and its dead letters for ${theirs} s`;
        const taken = JSON.stringify(arnsOf(targetId));
        const name = String((arnsOf(id) as Record<string, unknown>).QueueName);
        return taken.includes(`:${name}"`)
          ? undefined
          : `is no source that ${targetId} takes dead letters from`;
      });
    },
  },
];

function idOf(value: unknown): string {
  if (!isRecord(value)) return '';
  const { Ref, 'Fn::GetAtt': att } = value;
  return typeof Ref === 'string' ? Ref : Array.isArray(att) ? String(att[0]) : '';
}

function isDeadLetterQueue(template: Template, id: string): boolean {
  return resourcesOf(template, 'AWS::SQS::Queue').some(
    ([
      ,
      {
        Properties: { RedrivePolicy },
      },
    ]) => isRecord(RedrivePolicy) && idOf(RedrivePolicy.deadLetterTargetArn) === id,
  );
}
