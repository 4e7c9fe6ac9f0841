// The alarms that are raised, and whether anyone is told of them.
import { DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { ListSubscriptionsByTopicCommand, type Subscription } from '@aws-sdk/client-sns';
import { type Check, examine, examineEach, type Problem, type World, warn } from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';

/** DescribeAlarms takes 100 names. */
const ALARMS_PER_CALL = 100;
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:/;

const alarms = ({ stack }: World) => ofType(stack, 'AWS::CloudWatch::Alarm');

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
  {
    id: 'alarms',
    good: 'No alarm is raised.',
    needs: ['cloudwatch:DescribeAlarms'],
    run: (world) => {
      const all = alarms(world);
      const pages = Array.from({ length: Math.ceil(all.length / ALARMS_PER_CALL) }, (_, page) =>
        all.slice(page * ALARMS_PER_CALL, (page + 1) * ALARMS_PER_CALL),
      );
      return examineEach(pages, (page) =>
        examine(
          'alarms',
          'cloudwatch:DescribeAlarms',
          () =>
            world.clients.cloudwatch.send(
              new DescribeAlarmsCommand({
                AlarmNames: page.map(({ physicalId }) => physicalId),
                MaxRecords: ALARMS_PER_CALL,
              }),
            ),
          ({ MetricAlarms = [] }) => judgeAlarms(page, MetricAlarms),
        ),
      );
    },
  },
  {
    id: 'notified',
    good: 'Somebody is notified of alarms.',
    needs: ['sns:ListSubscriptionsByTopic'],
    run: ({ clients, stack }) =>
      examineEach(topicsOf(stack), (arn) =>
        examine(
          arn,
          'sns:ListSubscriptionsByTopic',
          () => clients.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arn })),
          ({ Subscriptions = [] }) => judgeSubscriptions(arn, Subscriptions),
        ),
      ),
  },
];
