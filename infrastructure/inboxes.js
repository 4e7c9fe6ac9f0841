// The inboxes besides the stack's own: existing buckets whose new objects are manifests too. What their parameters may be, and
// what the template needs for them: rights to read, senders to the ingest queue, a rule of EventBridge, subscriptions to topics.
import { createHash } from 'node:crypto';
import { arnOf, entriesOf, objectsOf, ownedBucket, shown } from './bucket-names.js';
import { partitionOf } from './partitions.js';

/** @typedef {import('./bucket-names.js').Stack} Stack */

/**
 * So many fit beside all else: each stands twice in the policies of three roles (10,240 characters), once in the environment of
 * ingest (4 KB) and in the policy of its queue (8,192 bytes), and in the pattern of the rule (2,048 characters).
 */
const MOST_BUCKETS = 10;
const MOST_BUCKET_CHARACTERS = 700;
/** Each ARN stands in the policy of the queue, with up to 310 characters. */
const MOST_TOPICS = 10;
/** Of a hash: no two of ten topics share so many. */
const SUBSCRIPTION_ID_DIGITS = 12;

/** @typedef {{ inboxBuckets: string[], inboxTopics: string[] }} Inboxes */

/**
 * The value of inboxTopics.
 * @param {string} name of the parameter
 * @param {string} value ARNs, separated by commas
 * @param {Stack} stack
 * @param {string[]} faults
 * @returns {string[]} without duplicates
 */
export function topicArns(name, value, stack, faults) {
  const topics = entriesOf(value);
  for (const arn of topics) checkTopic(name, arn, stack.region, faults);
  return topics;
}

/**
 * @param {Inboxes & { destinationBuckets: string[] }} values
 * @param {Stack} stack
 * @param {string[]} faults
 */
export function checkInboxes({ inboxBuckets, inboxTopics, destinationBuckets }, { service, stage }, faults) {
  const destinations = destinationBuckets.map((entry) => ownedBucket(entry).bucket);
  for (const name of inboxBuckets) {
    if (!destinations.includes(name) && !name.startsWith(`${service}-${stage}-destination-`)) continue;
    faults.push(`inboxBuckets holds ${shown(name)}, a destination: objects written there would start jobs`);
  }
  const characters = inboxBuckets.join(',').length;
  if (inboxBuckets.length > MOST_BUCKETS || characters > MOST_BUCKET_CHARACTERS) {
    faults.push(
      `inboxBuckets holds ${inboxBuckets.length} buckets of ${characters} characters, and takes ${MOST_BUCKETS} of ` +
        `${MOST_BUCKET_CHARACTERS}: give the others to further stacks (--stage NAME)`,
    );
  }
  if (inboxTopics.length > MOST_TOPICS)
    faults.push(`inboxTopics holds ${inboxTopics.length} topics, and takes ${MOST_TOPICS}`);
  if (inboxTopics.length > 0 && inboxBuckets.length === 0)
    faults.push('inboxTopics is given without inboxBuckets: name the buckets whose objects they announce');
}

/**
 * @param {string} name of the parameter
 * @param {string} arn
 * @param {string} region
 * @param {string[]} faults
 */
function checkTopic(name, arn, region, faults) {
  const [, partition, place] = /^arn:([a-z-]+):sns:([a-z0-9-]+):\d{12}:[\w-]{1,256}$/.exec(arn) ?? [];
  if (place === undefined) {
    faults.push(
      `${name} holds ${shown(arn)}; it takes ARNs of SNS topics, not of subscriptions or FIFO topics, separated by commas`,
    );
  } else if (place !== region || partition !== partitionOf(region)) {
    faults.push(
      `${name} holds ${shown(arn)}; the inboxes of a stack in ${region} have topics of the same region`,
    );
  }
}

/**
 * The ARNs of all inboxes, the stack's own first, for the roles that read manifests.
 * @param {string[]} buckets
 */
export const inboxArns = (buckets) => [{ 'Fn::GetAtt': ['InboxBucket', 'Arn'] }, ...buckets.map(arnOf)];

/**
 * The same of their objects.
 * @param {string[]} buckets
 */
export const inboxObjects = (buckets) => [{ 'Fn::Sub': '${InboxBucket.Arn}/*' }, ...objectsOf(buckets)];

const QUEUE = { 'Fn::GetAtt': ['IngestQueue', 'Arn'] };

/**
 * Who may send to the ingest queue from outside the roles. The own inbox is named by text: a reference would be circular.
 * @param {Inboxes} inboxes
 * @param {Stack} stack
 */
export function ingestQueueStatements({ inboxBuckets: buckets, inboxTopics: topics }, { service, stage }) {
  const own = `${service}-${stage}-inbox-\${AWS::AccountId}-\${AWS::Region}`;
  const fromAccount = { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } };
  // The ARN of a bucket names no account. Those of rules and topics do; AWS documents no aws:SourceAccount for what they send.
  const senders = [
    allow('InboxMayNotify', 's3.amazonaws.com', {
      ArnEquals: { 'aws:SourceArn': [own, ...buckets].map(arnOf) },
      ...fromAccount,
    }),
  ];
  if (buckets.length > 0) {
    const rule = { 'Fn::GetAtt': ['InboxRule', 'Arn'] };
    senders.push(allow('InboxRuleMaySend', 'events.amazonaws.com', { ArnEquals: { 'aws:SourceArn': rule } }));
  }
  if (topics.length > 0)
    senders.push(
      allow('InboxTopicsMaySend', 'sns.amazonaws.com', { ArnEquals: { 'aws:SourceArn': topics } }),
    );
  const tlsOnly = {
    ...{ Sid: 'TlsOnly', Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: QUEUE },
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
  return [...senders, tlsOnly];
}

/**
 * @param {string} sid
 * @param {string} service
 * @param {object} condition
 */
function allow(sid, service, condition) {
  return {
    Sid: sid,
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sqs:SendMessage',
    Resource: QUEUE,
    Condition: condition,
  };
}

/**
 * A rule for the buckets that send their events to EventBridge; it costs nothing where none does. Topics deliver raw messages.
 * @param {Inboxes} inboxes
 * @param {Stack} stack
 */
export function inboxResources({ inboxBuckets: buckets, inboxTopics: topics }, { service, stage }) {
  /** @type {Record<string, object>} */
  const resources = {};
  if (buckets.length > 0) {
    resources['InboxRule'] = {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: `${service}-${stage}-inboxes`,
        Description: 'Sends new objects of further inboxes to ingest',
        EventPattern: {
          // Another account may forward its events to this bus; those of its buckets are no arrivals here.
          account: [{ Ref: 'AWS::AccountId' }],
          source: ['aws.s3'],
          'detail-type': ['Object Created'],
          detail: { bucket: { name: buckets } },
        },
        Targets: [{ Id: 'ingest', Arn: QUEUE }],
      },
    };
  }
  for (const TopicArn of topics) {
    resources[subscriptionId(TopicArn)] = {
      Type: 'AWS::SNS::Subscription',
      // SNS tries the queue at once, so the policy that lets it comes first.
      DependsOn: 'IngestQueuePolicy',
      Properties: { TopicArn, Protocol: 'sqs', Endpoint: QUEUE, RawMessageDelivery: true },
    };
  }
  return { Resources: resources };
}

/**
 * The id of a topic's subscription in the template. It follows from the topic, not from its place in the list. SNS gives a topic and
 * a queue one subscription, so under another id CloudFormation would find it, and then delete it with the old id.
 * @param {string} topicArn
 */
function subscriptionId(topicArn) {
  return `InboxTopic${createHash('sha256').update(topicArn).digest('hex').slice(0, SUBSCRIPTION_ID_DIGITS)}`;
}
