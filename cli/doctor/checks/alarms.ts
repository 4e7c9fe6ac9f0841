// The alarms that are raised, and whether anyone is told of them.
import { DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { ListSubscriptionsByTopicCommand, type Subscription } from '@aws-sdk/client-sns';
import { type Check, eachCheck, type Problem, type World, warn } from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';

/** DescribeAlarms takes 100 names. */
const ALARMS_PER_CALL = 100;
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:/;

export function judgeAlarms(wanted: readonly StackResource[], actual: readonly MetricAlarm[]): Problem[] {
  const byName = new Map(actual.map((alarm) => [alarm.AlarmName, alarm]));
  return wanted.flatMap(({ logicalId: about, physicalId }): Problem[] => {
    const alarm = byName.get(physicalId);
    if (alarm === undefined) {
      return warn(about, 'the alarm is gone', 'deploy again, or create it again');
    }
    if (alarm.StateValue === 'ALARM') {
      return warn(
        about,
        `is raised: ${alarm.AlarmDescription ?? alarm.StateReason ?? ''}`,
        `docs/operations.md has its runbook, under ${about}`,
      );
    }
    if (alarm.ActionsEnabled === false) {
      return warn(
        about,
        'notifies nobody: its actions are switched off',
        `aws cloudwatch enable-alarm-actions --alarm-names ${physicalId}`,
      );
    }
    return [];
  });
}

export function judgeSubscriptions(arn: string, subscriptions: readonly Subscription[]): Problem[] {
  const isPending = ({ SubscriptionArn }: Subscription) => !/^arn:/.test(SubscriptionArn ?? '');
  if (subscriptions.length === 0) {
    return warn(
      arn,
      'nobody has subscribed to the topic of the alarms',
      `deploy with all parameters of the stage and --param="alarmEmail=YOU@EXAMPLE.COM", or aws sns subscribe --topic-arn ${arn} --protocol email --notification-endpoint YOU@EXAMPLE.COM`,
    );
  }
  const remedy =
    'follow the link in the message "AWS Notification - Subscription Confirmation", which is valid for three days';
  return subscriptions
    .filter(isPending)
    .flatMap(({ Endpoint = 'a subscriber' }) =>
      warn(arn, `${Endpoint} has not confirmed the subscription, and gets no alarms`, remedy),
    );
}

/** The stack's own topic, or the one that the parameter alarmTopicArn has put in its place. */
export function topicsOf(stack: World['stack']): string[] {
  const given = ofType(stack, 'AWS::CloudWatch::Alarm')
    .flatMap(({ properties }) => (properties['AlarmActions'] ?? []) as unknown[])
    .filter((action): action is string => typeof action === 'string' && TOPIC_ARN.test(action));
  if (given.length > 0) return [...new Set(given)];
  return ofType(stack, 'AWS::SNS::Topic').map(({ physicalId }) => physicalId);
}

export const alarmChecks: readonly Check[] = [
  eachCheck({
    id: 'alarms',
    good: 'No alarm is raised.',
    action: 'cloudwatch:DescribeAlarms',
    things: ({ stack }) => pagesOf(ofType(stack, 'AWS::CloudWatch::Alarm')),
    about: () => 'alarms',
    ask: ({ cloudwatch }, page) => {
      const AlarmNames = page.map(({ physicalId }) => physicalId);
      return cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames, MaxRecords: ALARMS_PER_CALL }));
    },
    judge: (page, { MetricAlarms = [] }) => judgeAlarms(page, MetricAlarms),
  }),
  eachCheck({
    id: 'notified',
    good: 'Somebody is notified of alarms.',
    action: 'sns:ListSubscriptionsByTopic',
    things: ({ stack }) => topicsOf(stack),
    about: (arn) => arn,
    ask: ({ sns }, arn) => sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn })),
    judge: (arn, { Subscriptions = [] }) => judgeSubscriptions(arn, Subscriptions),
  }),
];

function pagesOf(alarms: readonly StackResource[]): StackResource[][] {
  return Array.from({ length: Math.ceil(alarms.length / ALARMS_PER_CALL) }, (_, page) =>
    alarms.slice(page * ALARMS_PER_CALL, (page + 1) * ALARMS_PER_CALL),
  );
}
