// Names, owners and keys, and what AWS counts of a stack.
import { describe, expect, it } from 'vitest';
import { ownBucketName } from '../../../infrastructure/bucket-names.js';
import { partitionOf } from '../../../infrastructure/partitions.js';
import { environmentBytes, policyCharacters } from '../../../infrastructure/upload-permissions.js';
import { CLIENT_BUDGETS, mostCallMs } from '../../../shared/aws/budgets.ts';
import { STOP_GRACE_MS } from '../../../shared/transfer/engine.ts';
import {
  environment,
  FUNCTIONS,
  INBOX_BUCKETS,
  KMS_KEY,
  lambda,
  listed,
  plain,
  properties,
  roleStatements,
  service,
  sourceOf,
} from '../stack.ts';

describe('the names of the resources', () => {
  /** Most characters of a name, by type: the reference of each service's Create call. */
  const MOST: Record<string, number> = {
    BucketName: 63,
    FunctionName: 64,
    QueueName: 80,
    TableName: 255,
    TopicName: 256,
    AlarmName: 255,
    DashboardName: 255,
    LogGroupName: 512,
    RoleName: 64,
  };

  it('fit what each service takes, with the longest stage in the longest region', () => {
    let count = 0;
    for (const [id, { Properties }] of Object.entries(service.template.Resources)) {
      for (const [property, name] of Object.entries(plain(Properties ?? {}) as object)) {
        // A function's name in a resource that only refers to it is an ARN or a reference.
        const most = MOST[property];
        if (most === undefined || String(name).startsWith('<')) continue;
        const longest = String(name)
          .replaceAll('spillway-dev', `spillway-${'s'.repeat(14)}`)
          .replaceAll('<AWS::AccountId>', '123456789012')
          .replaceAll('<AWS::Region>', 'ap-southeast-1');
        expect(longest.length, `${id}: ${longest}`).toBeLessThanOrEqual(most);
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(15);
  });
});

describe('the owner of a bucket', () => {
  const OWN = { StringEquals: { 'aws:ResourceAccount': '<AWS::AccountId>' } };
  const onBuckets = (name: string) =>
    roleStatements(name).filter(({ Action }) => listed(Action).some((action) => action.startsWith('s3:')));

  it('is the stack’s own account, wherever no other is named', () => {
    for (const name of FUNCTIONS) {
      for (const { Resource: on, Condition } of onBuckets(name)) {
        if (/archive|open-data/.test(JSON.stringify(on))) continue;
        expect(Condition, `${name}: ${JSON.stringify(on)}`).toMatchObject(OWN);
      }
    }
  });

  it('is the account that the parameter names, in statements of its own', () => {
    for (const name of ['ingest', 'upload']) {
      const others = onBuckets(name).filter(({ Resource: on }) => JSON.stringify(on).includes('archive'));
      expect(others.length).toBeGreaterThan(0);
      for (const { Resource: on, Condition } of others) {
        expect(JSON.stringify(on)).not.toMatch(/legacy|open-data|<\w+Bucket/);
        expect(Condition).toEqual({ StringEquals: { 'aws:ResourceAccount': '210987654321' } });
      }
    }
  });

  it('may be any where the parameter says so', () => {
    const open = onBuckets('upload').filter(({ Resource: on }) => JSON.stringify(on).includes('open-data'));
    expect(open.length).toBeGreaterThan(0);
    for (const { Resource: on, Condition } of open) {
      expect(JSON.stringify(on)).not.toMatch(/legacy|archive|<\w+Bucket/);
      expect(Condition).toBeUndefined();
    }
  });

  it('is known to every function that calls S3', () => {
    for (const name of FUNCTIONS) {
      const expected = onBuckets(name).length > 0 ? '<AWS::AccountId>' : undefined;
      expect(environment(name)['SPILLWAY_ACCOUNT_ID'], name).toBe(expected);
    }
  });
});

describe('the keys of KMS', () => {
  it.each([
    ['upload', ['kms:GenerateDataKey', 'kms:Decrypt']],
    ['ingest', ['kms:Decrypt']],
    ['settle', ['kms:Decrypt']],
    ['deadLetters', ['kms:Decrypt']],
    ['sweep', []],
    ['api', ['kms:Decrypt']],
  ])('are for %s to use by S3 alone: %s', (name, actions) => {
    const uses = roleStatements(name).filter(({ Action }) => /kms/.test(String(Action)));
    expect(uses).toEqual(
      actions.length === 0
        ? []
        : [
            {
              Effect: 'Allow',
              Action: actions,
              Resource: [KMS_KEY],
              Condition: { StringEquals: { 'kms:ViaService': ['s3.us-east-1.amazonaws.com'] } },
            },
          ],
    );
  });
});

describe('what IAM and Lambda count', () => {
  /** As long as S3 lets the stack's names be. */
  const stacks = ['us-east-1', 'ap-southeast-1', 'us-gov-east-1', 'cn-northwest-1'].map((region) => {
    const stack = { service: 'spillway', stage: '', region, deploymentBucket: undefined };
    return { ...stack, stage: 's'.repeat(Math.min(14, 63 - ownBucketName('destination', stack).length)) };
  });
  type Stack = (typeof stacks)[number];

  /** Names, ARNs and addresses as they stand in the account. */
  const deployed = (value: unknown, { stage, region }: Stack): string => {
    const account = '123456789012';
    const partition = partitionOf(region);
    const fill = (text: string): string =>
      text
        .replaceAll('spillway-dev', `spillway-${stage}`)
        .replaceAll('<AWS::Partition>', partition)
        .replaceAll('<AWS::Region>', region)
        .replaceAll('<AWS::AccountId>', account)
        .replace(/<(\w+?)(\.Arn)?>/g, (_, id: string, arn?: string) => named(id, arn !== undefined));
    const named = (id: string, isArn: boolean): string => {
      const { BucketName, QueueName, TableName } = properties(id);
      const name = fill(String(BucketName ?? QueueName ?? TableName));
      if (BucketName !== undefined) return isArn ? `arn:${partition}:s3:::${name}` : name;
      if (TableName !== undefined) {
        return isArn ? `arn:${partition}:dynamodb:${region}:${account}:table/${name}` : name;
      }
      const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
      return isArn
        ? `arn:${partition}:sqs:${region}:${account}:${name}`
        : `https://sqs.${region}.${domain}/${account}/${name}`;
    };
    return fill(JSON.stringify(value));
  };

  const charactersOf = (role: string, stack: (typeof stacks)[number]): number =>
    (properties(role)['Policies'] as { PolicyDocument: unknown }[]).reduce(
      (sum, { PolicyDocument }) => sum + deployed(PolicyDocument, stack).length,
      0,
    );

  const lists = {
    sourceBuckets: ['legacy-images', 'archive.2019@210987654321', 'open-data@any'],
    destinationBuckets: ['second-home'],
    sourceHosts: ['files.example.com', '*.example.org'],
    kmsKeys: [KMS_KEY],
    inboxBuckets: INBOX_BUCKETS,
    manifestBuckets: [],
  };

  it.each(stacks)('is estimated high, by at most 300 characters of policies, in $region', (stack) => {
    for (const [role, estimate] of Object.entries(policyCharacters(lists, stack))) {
      const characters = charactersOf(role, stack);
      expect(characters, role).toBeLessThanOrEqual(estimate);
      expect(characters, role).toBeGreaterThan(estimate - 300);
    }
  });

  it.each(stacks)('is smaller in each other role than in one that is estimated, in $region', (stack) => {
    const { DeadLettersRole } = policyCharacters(lists, stack);
    for (const role of ['SettleRole', 'SweepRole', 'ApiRole'])
      expect(charactersOf(role, stack), role).toBeLessThan(DeadLettersRole);
  });

  it.each(stacks)('is estimated high, by at most 300 bytes of environment, in $region', (stack) => {
    const estimate = environmentBytes(lists, stack);
    const bytes = FUNCTIONS.map((name) => Buffer.byteLength(deployed(environment(name), stack)));
    expect(Math.max(...bytes)).toBeLessThanOrEqual(estimate);
    expect(Math.max(...bytes)).toBeGreaterThan(estimate - 300);
  });
});

describe('a lost connection', () => {
  /** Milliseconds that a function keeps back at its end, for which it begins nothing further; as its file says. */
  const keptBackMs = (name: string): number => {
    const [, digits] = /^const (?:HANDOVER|ACCOUNT|LETTER)_MS = ([\d_]+);/m.exec(sourceOf(name)) ?? [];
    if (digits === undefined) return 0;
    // What is under way at upload's stop may go on for as long as that into it.
    return Number(digits.replaceAll('_', '')) - (name === 'upload' ? STOP_GRACE_MS : 0);
  };

  it.each(FUNCTIONS)('leaves %s time for other attempts, and all of them time to go on', (name) => {
    const timeoutMs = (lambda(name)['Timeout'] as number) * 1000;
    const budget = CLIENT_BUDGETS[name];
    // Two attempts may be lost before the third.
    expect(budget.attempts).toBeGreaterThanOrEqual(3);
    expect(mostCallMs(budget)).toBeLessThan(keptBackMs(name) || timeoutMs);
    expect(budget.connectionMs).toBeLessThan(budget.requestMs);
  });

  it('is met by the budget of its own function in each', () => {
    for (const name of FUNCTIONS) {
      const used = [...sourceOf(name).matchAll(/CLIENT_BUDGETS\.(\w+)/g)].map(([, budget]) => budget);
      expect(new Set(used), name).toEqual(new Set([name]));
    }
  });
});
