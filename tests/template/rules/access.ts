// Who may reach the resources, and how: encryption, TLS, public access, senders of queues, and what roles are allowed.
import type { Resource, Template } from '../../helpers/package-service.ts';
import {
  checkEach,
  type Exceptions,
  isRecord,
  listed,
  merged,
  type PolicyDocument,
  type Rule,
  resourcesOf,
  type Statement,
  type Typed,
} from './rule.ts';

const POLICY_TYPES = ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'];

const UNENCRYPTED_TOPICS: Exceptions = {
  AlarmTopic: 'CloudWatch cannot publish to a topic under the AWS-managed key, and alarms hold no rows',
};
const UNOWNED_BUCKETS: Exceptions = {
  ServerlessDeploymentBucket: 'osls makes it; S3 enforces the owner of new buckets since April 2023',
};

/** Actions and resources with a wildcard that an Allow may have: `ID action` or `ID resource`, with the reason. */
const WILDCARDS: Exceptions = {};

export const ACCESS_RULES: Rule[] = [
  {
    name: 'data at rest is encrypted',
    reason: 'Manifests, messages and reports hold what others wrote.',
    check: (template) =>
      merged(
        checkEach(resourcesOf(template, 'AWS::S3::Bucket'), unencryptedBucket),
        checkEach(resourcesOf(template, 'AWS::SQS::Queue'), unencryptedQueue),
        checkEach(resourcesOf(template, 'AWS::SNS::Topic'), unencryptedTopic, UNENCRYPTED_TOPICS),
        // DynamoDB encrypts every table; without a specification it does so under a key of its own.
        checkEach(resourcesOf(template, 'AWS::DynamoDB::Table'), unencryptedTable),
      ),
  },
  {
    name: 'S3 can notify the queue of the inbox',
    reason:
      'S3 cannot send to a queue under the AWS-managed KMS key, and drops the notification without a sign.',
    check(template) {
      const notified = resourcesOf(template, 'AWS::S3::Bucket').flatMap(
        ([, { Properties }]) =>
          JSON.stringify(Properties.NotificationConfiguration ?? {}).match(/(?<=Fn::GetAtt":\[")\w+/g) ?? [],
      );
      return checkEach(
        notified.map((id): Typed => [id, template.Resources[id] as Resource]),
        ({ Properties }) =>
          JSON.stringify(Properties.KmsMasterKeyId ?? '').includes('alias/aws/')
            ? 'is under an AWS-managed key, which S3 may not use'
            : undefined,
      );
    },
  },
  {
    name: 'buckets, queues and topics take TLS only',
    reason: 'Without the statement AWS also answers requests in plain text.',
    check: (template) =>
      merged(
        checkEach(resourcesOf(template, 'AWS::S3::Bucket'), (_, id) =>
          deniesPlainText(template, id, 's3:*', [id, `${id}/*`])
            ? undefined
            : 'takes requests without TLS, on itself or on its objects',
        ),
        checkEach(resourcesOf(template, 'AWS::SQS::Queue'), (_, id) =>
          deniesPlainText(template, id, 'sqs:*', [id]) ? undefined : 'takes requests without TLS',
        ),
        checkEach(resourcesOf(template, 'AWS::SNS::Topic'), (_, id) =>
          deniesPlainText(template, id, 'sns:Publish', [id]) ? undefined : 'takes messages without TLS',
        ),
      ),
  },
  {
    name: 'buckets block public access',
    reason: 'A policy or list that opens a bucket to the public would be taken.',
    check: (template) =>
      checkEach(resourcesOf(template, 'AWS::S3::Bucket'), ({ Properties }) => {
        const block = isRecord(Properties.PublicAccessBlockConfiguration)
          ? Properties.PublicAccessBlockConfiguration
          : {};
        const open = [
          'BlockPublicAcls',
          'BlockPublicPolicy',
          'IgnorePublicAcls',
          'RestrictPublicBuckets',
        ].filter((name) => block[name] !== true);
        return open.length === 0 ? undefined : `lacks ${open.join(', ')}`;
      }),
  },
  {
    name: 'buckets own their objects',
    reason: 'An object with a list of its own could be closed to the owner of the bucket, or open to others.',
    check: (template) =>
      checkEach(
        resourcesOf(template, 'AWS::S3::Bucket'),
        ({ Properties }) =>
          JSON.stringify(Properties.OwnershipControls ?? '').includes('"BucketOwnerEnforced"')
            ? undefined
            : 'does not enforce its owner',
        UNOWNED_BUCKETS,
      ),
  },
  {
    name: 'services send for their own resource of this account alone',
    reason:
      'A service that acts for any customer could be made to send by another account (the confused deputy).',
    check(template) {
      const allows = resourcePolicies(template).flatMap(([id, { Statement }]) =>
        Statement.filter(({ Effect }) => Effect === 'Allow').map((statement) => [id, statement] as const),
      );
      const faults = allows.flatMap(([id, { Principal, Condition = {}, Sid }]) => {
        const what = `${id} ${Sid ?? 'Allow'}`;
        if (!isRecord(Principal) || Principal.Service === undefined)
          return [`${what} lets in ${JSON.stringify(Principal)}`];
        const conditions = Object.assign({}, ...Object.values(Condition)) as Record<string, unknown>;
        return unnarrowed(conditions['aws:SourceArn'], conditions['aws:SourceAccount']).map(
          (key) => `${what} is not narrowed by ${key}`,
        );
      });
      const invocations = checkEach(
        resourcesOf(template, 'AWS::Lambda::Permission'),
        ({ Properties: { SourceArn, SourceAccount } }) =>
          unnarrowed(SourceArn, SourceAccount)
            .map((key) => `is not narrowed by ${key}`)
            .join(', ') || undefined,
      );
      return merged({ checked: allows.length, faults }, invocations);
    },
  },
  {
    name: 'topics have a policy of their own',
    reason: 'By the default policy every principal of the account may publish and subscribe.',
    check: (template) =>
      checkEach(resourcesOf(template, 'AWS::SNS::Topic'), (_, id) =>
        policiesOf(template, id).some(({ Effect }) => Effect === 'Allow') ? undefined : 'has none',
      ),
  },
  {
    name: 'queues refuse other senders',
    reason:
      'The messages are believed: they name what is written, and where. Only a queue that S3 notifies takes others.',
    check: (template) =>
      checkEach(
        resourcesOf(template, 'AWS::SQS::Queue').filter(([id]) => !isNotified(template, id)),
        (_, id) =>
          policiesOf(template, id).some(
            ({ Effect, Action, Principal, Condition }) =>
              Effect === 'Deny' &&
              Principal === '*' &&
              listed(Action).includes('sqs:SendMessage') &&
              Condition !== undefined,
          )
            ? undefined
            : 'takes messages of every principal of the account',
      ),
  },
  {
    name: 'nothing is allowed by a wildcard',
    reason: 'A fault in a function could reach what it has no business with.',
    check(template) {
      const allows = [...rolePolicies(template), ...resourcePolicies(template)].flatMap(
        ([id, { Statement }]) =>
          Statement.filter(({ Effect }) => Effect === 'Allow').map((statement) => [id, statement] as const),
      );
      const faults = allows.flatMap(([id, statement]) =>
        wildcardsIn(statement).map((what) => `${id} ${what}`),
      );
      const unused = Object.keys(WILDCARDS).filter(
        (each) => !faults.some((fault) => fault.startsWith(`${each} `)),
      );
      return {
        checked: allows.length,
        faults: [
          ...faults.filter((fault) => !Object.keys(WILDCARDS).some((each) => fault.startsWith(`${each} `))),
          ...unused.map((each) => `${each} is an exception that is not needed`),
        ],
      };
    },
  },
  {
    name: 'roles are of one function, with policies of their own',
    reason: 'A shared role, or a managed policy, grants more than one function needs.',
    check(template) {
      const functions = resourcesOf(template, 'AWS::Lambda::Function');
      const users = (role: string) =>
        functions.filter(([, { Properties }]) => JSON.stringify(Properties.Role).includes(`"${role}"`));
      return checkEach(resourcesOf(template, 'AWS::IAM::Role'), ({ Properties }, id) => {
        const managed = Properties.ManagedPolicyArns;
        if (managed !== undefined && listed(managed).length > 0) return 'has managed policies';
        return users(id).length === 1 ? undefined : `serves ${users(id).length} functions`;
      });
    },
  },
];

/**
 * The condition keys that a statement for a service lacks. An ARN that names its account says by itself whose resource acts; that of
 * a bucket does not.
 */
function unnarrowed(sourceArn: unknown, sourceAccount: unknown): string[] {
  const arns = listed<unknown>(sourceArn);
  if (sourceArn === undefined || arns.length === 0) return ['aws:SourceArn'];
  return sourceAccount === undefined && !arns.every(namesAccount) ? ['aws:SourceAccount'] : [];
}

/** `{ GetAtt: [Id, Arn] }` of anything but a bucket does, and an ARN whose fifth part is an account. */
function namesAccount(arn: unknown): boolean {
  if (isRecord(arn) && arn['Fn::GetAtt'] !== undefined) return !/Bucket"/.test(JSON.stringify(arn));
  const text = isRecord(arn) ? textOfArn(arn) : String(arn);
  return /^\d{12}$/.test(text.split(':')[4] ?? '');
}

/** Of a Sub or a Join, with an account for a reference to it, and a word for any other. */
function textOfArn(arn: Record<string, unknown>): string {
  const join = arn['Fn::Join'] as [string, unknown[]] | undefined;
  const parts = join === undefined ? [arn['Fn::Sub']] : join[1];
  return parts
    .map((part) => (isRecord(part) ? `\${${String(part.Ref)}}` : String(part)))
    .join(join?.[0] ?? '')
    .replaceAll('${AWS::AccountId}', '123456789012')
    .replace(/\$\{[^}]*\}/g, 'x');
}

function unencryptedBucket({ Properties }: Resource): string | undefined {
  return /"SSEAlgorithm":"(AES256|aws:kms(:dsse)?)"/.test(JSON.stringify(Properties.BucketEncryption ?? ''))
    ? undefined
    : 'is not encrypted';
}

function unencryptedQueue({ Properties }: Resource): string | undefined {
  return Properties.SqsManagedSseEnabled === true || Properties.KmsMasterKeyId !== undefined
    ? undefined
    : 'is not encrypted';
}

function unencryptedTopic({ Properties }: Resource): string | undefined {
  return Properties.KmsMasterKeyId === undefined ? 'is not encrypted' : undefined;
}

function unencryptedTable({ Properties }: Resource): string | undefined {
  const specification = Properties.SSESpecification;
  return isRecord(specification) && specification.SSEEnabled !== true
    ? 'turns its encryption off'
    : undefined;
}

function resourcePolicies(template: Template): [id: string, document: PolicyDocument][] {
  return resourcesOf(template, ...POLICY_TYPES).map(([id, { Properties }]) => [
    id,
    Properties.PolicyDocument as PolicyDocument,
  ]);
}

function rolePolicies(template: Template): [id: string, document: PolicyDocument][] {
  return resourcesOf(template, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
    ((Properties.Policies ?? []) as { PolicyDocument: PolicyDocument }[]).map(
      ({ PolicyDocument }): [string, PolicyDocument] => [id, PolicyDocument],
    ),
  );
}

/** Statements of the policies that are attached to this bucket or queue. */
function policiesOf(template: Template, id: string): Statement[] {
  return resourcesOf(template, ...POLICY_TYPES)
    .filter(([, { Properties }]) =>
      [
        Properties.Bucket,
        ...listed(Properties.Queues as unknown[]),
        ...listed(Properties.Topics as unknown[]),
      ].some((each) => isRecord(each) && each.Ref === id),
    )
    .flatMap(([, { Properties }]) => (Properties.PolicyDocument as PolicyDocument).Statement);
}

/** @param places of the resource, as `Id` and `Id/*` */
function deniesPlainText(template: Template, id: string, action: string, places: string[]): boolean {
  return policiesOf(template, id).some(
    ({ Effect, Principal, Action, Resource: on, Condition }) =>
      Effect === 'Deny' &&
      (Principal === '*' || (isRecord(Principal) && Principal.AWS === '*')) &&
      listed(Action).includes(action) &&
      [false, 'false'].includes(Condition?.Bool?.['aws:SecureTransport'] as string) &&
      Object.keys(Condition ?? {}).length === 1 &&
      places.every((place) => listed<unknown>(on).map(placeOf).includes(place)),
  );
}

/** `{ GetAtt: [Id, Arn] }`, `${Id.Arn}/*` and osls's Join of an ARN as `Id` and `Id/*`. */
function placeOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  const id = /"(?:Fn::GetAtt":\["|Ref":")(\w+)"|\$\{(\w+)\.Arn\}/.exec(
    text.replaceAll('"Ref":"AWS::Partition"', ''),
  );
  return `${id?.[1] ?? id?.[2] ?? text}${/\/\*"/.test(text) ? '/*' : ''}`;
}

function isNotified(template: Template, id: string): boolean {
  return policiesOf(template, id).some(
    ({ Effect, Principal }) =>
      Effect === 'Allow' && isRecord(Principal) && Principal.Service === 's3.amazonaws.com',
  );
}

/** An asterisk may stand for the objects of a bucket or the streams of a log group, never for the thing itself. */
const NAMED_RESOURCE = /^(arn:[^*]+|\$\{\w+\.Arn\})(\/(\w+\/)*\*|:\*|\/index\/\w+|\/\*\/\w+)?$/;

function wildcardsIn({ Action, NotAction, NotResource, Resource: on, Principal }: Statement): string[] {
  const faults: string[] = [];
  if (NotAction !== undefined || NotResource !== undefined) faults.push('allows all but something');
  if (Principal === '*' || (isRecord(Principal) && Principal.AWS === '*')) faults.push('allows everyone');
  for (const action of listed(Action)) {
    if (!/^[a-z0-9-]+:[A-Za-z]+$/.test(action)) faults.push(`allows the actions ${action}`);
  }
  for (const resource of listed<unknown>(on)) {
    const text = isRecord(resource)
      ? (resource['Fn::Sub'] ?? `\${${String(listed(resource['Fn::GetAtt'])[0])}.Arn}`)
      : resource;
    if (!NAMED_RESOURCE.test(String(text)))
      faults.push(`allows ${listed(Action).join(', ')} on ${String(text)}`);
  }
  return faults;
}
