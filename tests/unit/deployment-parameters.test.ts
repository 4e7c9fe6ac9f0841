// What infrastructure/params.js takes and refuses: nothing that would fail later, in the deployment or in a job.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaults } from '../../infrastructure/parameters.js';
import { settings } from '../../infrastructure/params.js';
import { environmentBytes, policyCharacters } from '../../infrastructure/upload-permissions.js';

const STACK = { service: 'spillway', stage: 'dev', region: 'us-east-1', deploymentBucket: undefined };

interface Given {
  params?: Record<string, string>;
  /** As the command line gives them. */
  options?: string[];
  /** What serverless.yml answers, by the variable asked for. */
  file?: Record<string, unknown>;
  stack?: { service?: string; stage?: string; region?: string; deploymentBucket?: unknown };
}

function settle({ params = {}, options, stack = {}, file = {} }: Given) {
  const { service, stage, region, deploymentBucket } = { ...STACK, ...stack };
  const values: Record<string, unknown> = {
    'self:params.default, null': defaults,
    ...file,
    'opt:param, null': options ?? null,
    'self:service': service,
    'sls:stage': stage,
    'self:provider.region': region,
    'self:provider.deploymentBucket': deploymentBucket,
  };
  for (const [name, value] of Object.entries({ ...defaults, ...params })) values[`param:${name}`] = value;
  return settings({ resolveVariable: async (name) => values[name] });
}

/** The faults of a configuration, one an entry; empty if it is taken. */
async function faultsOf(given: Given): Promise<string[]> {
  try {
    await settle(given);
    return [];
  } catch (error) {
    return String((error as Error).message)
      .split('\n- ')
      .slice(1);
  }
}

const sourceFaults = (sourceBuckets: string, stack = {}) => faultsOf({ params: { sourceBuckets }, stack });
const destinationFaults = (destinationBuckets: string, stack = {}) =>
  faultsOf({ params: { destinationBuckets }, stack });

/** The parameters for a new account, as docs/operations.md gives them. */
const [, NEW_ACCOUNT = ''] =
  /## A new account[^#]*?```\n([^`]+)```/.exec(
    readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8'),
  ) ?? [];

describe('the concurrency of the account', () => {
  it('may be the 10 of a new account, with the parameters that the documentation gives', async () => {
    const params = Object.fromEntries(
      [...NEW_ACCOUNT.matchAll(/--param="(\w+)=(\d+)"/g)].map(([, name, value]) => [
        String(name),
        String(value),
      ]),
    );
    expect(params).toMatchObject({ accountConcurrency: '10' });
    expect(await faultsOf({ params })).toEqual([]);
    expect(await faultsOf({ params: { ...params, settleConcurrency: '3' } })).toEqual(
      oneFault('settleConcurrency 3 + 4 of dead letters, sweep and API = 11 functions at once', 'above'),
    );
  });

  it('bounds the sum of all functions, and the remedy is taken', async () => {
    const params = { accountConcurrency: '20' };
    expect(await faultsOf({ params })).toEqual(
      oneFault(
        'maximumConcurrency 10 + ingestConcurrency 4 + settleConcurrency 4 + 4 of dead letters, sweep and API = 22 functions at once',
        'above accountConcurrency 20. Lower maximumConcurrency to 8, or raise the quota "Concurrent executions"',
      ),
    );
    expect(await faultsOf({ params: { ...params, maximumConcurrency: '8' } })).toEqual([]);
    expect(await faultsOf({ params: { ...params, maximumConcurrency: '9' } })).toHaveLength(1);
  });

  it('leaves nothing to lower to where the others take it all', async () => {
    const params = { accountConcurrency: '11', ingestConcurrency: '5', maximumConcurrency: '2' };
    expect(await faultsOf({ params })).toEqual(oneFault('Lower all three: 2 each fit'));
  });

  it.each([
    ['accountConcurrency', '9', 'from 10 to 1000000'],
    ['ingestConcurrency', '1', 'from 2 to 1000'],
    ['settleConcurrency', '1001', 'from 2 to 1000'],
    ['accountConcurrency', '', 'from 10 to 1000000'],
  ])('is checked for each: %s=%s', async (name, value, takes) => {
    expect(await faultsOf({ params: { [name]: value } })).toEqual(oneFault(`${name} is "${value}"`, takes));
  });
});

describe('the warm throughput of the ledger', () => {
  const warm = async (params: Record<string, string>) => (await settle({ params })).ledgerWarmThroughput;

  it('is left to DynamoDB by default', async () => {
    expect(await warm({})).toEqual({ Ref: 'AWS::NoValue' });
  });

  it('is given for reads, for writes, or for both', async () => {
    expect(await warm({ ledgerWarmReads: '20000' })).toEqual({ ReadUnitsPerSecond: 20_000 });
    expect(await warm({ ledgerWarmWrites: '10000' })).toEqual({ WriteUnitsPerSecond: 10_000 });
    expect(await warm({ ledgerWarmReads: '20000', ledgerWarmWrites: '10000' })).toEqual({
      ReadUnitsPerSecond: 20_000,
      WriteUnitsPerSecond: 10_000,
    });
  });

  it.each([
    ['ledgerWarmReads', '11999', 'from 12000 to 400000'],
    ['ledgerWarmWrites', '3999', 'from 4000 to 400000'],
    ['ledgerWarmWrites', '1e4', 'from 4000 to 400000'],
  ])('is refused where DynamoDB would refuse it: %s=%s', async (name, value, takes) => {
    expect(await faultsOf({ params: { [name]: value } })).toEqual(oneFault(`${name} is "${value}"`, takes));
  });
});

const oneFault = (...parts: string[]) => [
  expect.stringMatching(new RegExp(parts.map((part) => part.replace(/[.*+()/\\]/g, '\\$&')).join('.*'), 's')),
];

describe('a bucket of the service itself', () => {
  it.each([
    ['spillway-dev-inbox-000000000000-us-east-1', 'the inbox of this stack', 'would start jobs'],
    ['spillway-dev-reports-000000000000-us-east-1', 'the report bucket of this stack', 'would spoil jobs'],
    ['spillway-prod-inbox-123456789012-eu-west-1', 'the inbox of another stage', 'would start jobs'],
    ['spillway-my-long-stage-inbox-123456789012-us-gov-west-1', 'the inbox of another stage', 'start jobs'],
    ['spillway-prod-reports-123456789012-eu-west-1', 'the report bucket of another stage', 'spoil jobs'],
    ['spillway-dev-serverlessdeploymentbucket-1abcdefghijkl', 'a deployment bucket', 'replace the code'],
    ['spillway-with-a-long-sta-serverlessdeploymentbuck-x9y8z7', 'a deployment bucket', 'replace the code'],
  ])('is no destination: %s', async (name, what, why) => {
    expect(await destinationFaults(name)).toEqual(oneFault(`destinationBuckets holds "${name}"`, what, why));
  });

  it.each([
    ['spillway-dev-inbox-000000000000-us-east-1', 'could read the manifests of others'],
    ['spillway-prod-inbox-123456789012-eu-west-1', 'could read the manifests of others'],
    ['spillway-dev-reports-000000000000-us-east-1', 'could read the reports of others'],
    ['spillway-dev-serverlessdeploymentbucket-1abcdefghijkl', 'could read the code'],
  ])('is no source: %s', async (name, why) => {
    expect(await sourceFaults(name)).toEqual(oneFault(`sourceBuckets holds "${name}"`, why));
  });

  it.each([['our-deployments'], [{ name: 'our-deployments' }]])(
    'is the deployment bucket that serverless.yml names',
    async (deploymentBucket) => {
      expect(await destinationFaults('our-deployments', { deploymentBucket })).toEqual(
        oneFault('a deployment bucket'),
      );
      expect(await destinationFaults('our-deployments')).toEqual([]);
    },
  );

  it('may be the destination of any stage', async () => {
    const own = 'spillway-dev-destination-000000000000-us-east-1';
    expect(await sourceFaults(`${own},spillway-prod-destination-123456789012-eu-west-1`)).toEqual([]);
    expect(await destinationFaults('spillway-prod-destination-123456789012-eu-west-1')).toEqual([]);
  });

  it('is not every bucket with such a word in its name', async () => {
    const names = 'mail-inbox-123456789012-eu-west-1,spillway-inbox,reports-spillway,spillway-dev-inboxes';
    expect(await sourceFaults(names)).toEqual([]);
    expect(await destinationFaults(names)).toEqual([]);
  });
});

describe('the name of a bucket', () => {
  it.each([
    ['photos--usw2-az1--x-s3', 'a directory bucket'],
    ['photos-usw2-az1--xa-s3', 'an access point to a directory bucket'],
    ['photos-jr4x8qv7xmks1a1s5n6b8zq7use1b-s3alias', 'name the bucket behind it'],
    ['photos-abc--ol-s3', 'name the bucket behind it'],
    ['mfzwi23gnjvgw.mrap', 'a Multi-Region Access Point'],
    ['photos--table-s3', 'a table bucket'],
    ['xn--photos', 'no name of a bucket'],
    ['sthree-photos', 'no name of a bucket'],
    ['amzn-s3-demo-bucket', 'no name of a bucket'],
    ['pho..tos', 'two dots'],
    ['192.168.5.4', 'an IP address'],
    ['s3://photos', 'no ARN, no s3://, no wildcard'],
    ['arn:aws:s3:::photos', 'no ARN, no s3://, no wildcard'],
    ['photos-*', 'no ARN, no s3://, no wildcard'],
    ['photos/2019', 'no ARN, no s3://, no wildcard'],
    ['ab', 'no name of a bucket'],
  ])('%s is refused by name, as a source and as a destination', async (name, why) => {
    expect(await sourceFaults(`good,${name}`)).toEqual(oneFault(`sourceBuckets holds "${name}"`, why));
    expect(await destinationFaults(`good,${name}`)).toEqual(
      oneFault(`destinationBuckets holds "${name}"`, why),
    );
  });

  it.each(['Old_Photos', 'PHOTOS', `a${'b'.repeat(254)}`, '_photos', 'photos-'])(
    'of before 2018 may be a source and a destination: %s',
    async (name) => {
      expect(await sourceFaults(name)).toEqual([]);
      expect(await destinationFaults(name)).toEqual([]);
    },
  );

  it('is shown in part and escaped', async () => {
    const [fault = ''] = await sourceFaults(`\u001b[2J\u202e${'x'.repeat(100_000)}`);
    expect(fault).toContain('"\\u001b[2J\\u202exxx');
    expect(fault.length).toBeLessThan(1000);
  });

  it('may stand twice, between spaces and empty entries', async () => {
    const { sourceBuckets } = await settle({ params: { sourceBuckets: ' photos,,photos , archive.2019,' } });
    expect(sourceBuckets).toBe('photos,archive.2019');
  });
});

describe('the names of the stack', () => {
  it.each([
    ['Prod', '"prod"'],
    ['feature/one', '"feature-one"'],
    ['my_stage', '"my-stage"'],
    ['a.b', '"a-b"'],
    ['dev-', '"dev"'],
  ])('take no stage %s', async (stage, better) => {
    expect(await faultsOf({ stack: { stage } })).toEqual(oneFault(`stage is "${stage}"`, `Use ${better}`));
  });

  it('take no service with capitals', async () => {
    expect(await faultsOf({ stack: { service: 'Spillway' } })).toEqual(oneFault('service is "Spillway"'));
  });

  it.each([
    ['us-east-1', 14, 'which take 1 to 14 lower-case letters, digits and hyphens. Use "ssssssssssssss"'],
    ['ap-southeast-1', 14, 'which take 1 to 14 lower-case letters, digits and hyphens'],
    ['us-isof-south-1', 13, '64 characters; S3 takes 63. Use a stage of at most 13 characters'],
  ])('leave room in %s for a stage of %d characters', async (region, most, why) => {
    expect(await faultsOf({ stack: { region, stage: 's'.repeat(most) } })).toEqual([]);
    expect(await faultsOf({ stack: { region, stage: 's'.repeat(most + 1) } })).toEqual(oneFault(why));
  });

  it.each(['EU-WEST-1', 'eu-west', 'europe'])('take no region %s', async (region) => {
    expect(await faultsOf({ stack: { region } })).toEqual(oneFault(`region is "${region}"`));
  });
});

describe('the e-mail address of the alarms', () => {
  it('is subscribed to the topic of the stack', async () => {
    const { alarmActions, alarmSubscriptions } = await settle({ params: { alarmEmail: 'ops@example.com' } });
    expect(alarmActions).toEqual([{ Ref: 'AlarmTopic' }]);
    expect(alarmSubscriptions).toEqual([{ Protocol: 'email', Endpoint: 'ops@example.com' }]);
    expect((await settle({})).alarmSubscriptions).toEqual([]);
  });

  it.each(['ops', 'a@b@c', 'a@b.c,d@e.f', 'o ps@example.com'])('is not %s', async (alarmEmail) => {
    expect(await faultsOf({ params: { alarmEmail } })).toEqual(oneFault('it takes one e-mail address'));
  });

  it('does not go with a topic of the user’s own', async () => {
    const alarmTopicArn = 'arn:aws:sns:us-east-1:123456789012:ops';
    expect(await faultsOf({ params: { alarmTopicArn, alarmEmail: 'ops@example.com' } })).toEqual(
      oneFault('give one of them'),
    );
    expect((await settle({ params: { alarmTopicArn } })).alarmActions).toEqual([alarmTopicArn]);
  });
});

describe('the topic of the alarms', () => {
  const alarmTopicArn = 'arn:aws:sns:us-east-1:123456789012:ops';
  const faults = (arn: string, region = 'us-east-1') =>
    faultsOf({ params: { alarmTopicArn: arn }, stack: { region } });

  it('is an ARN in the region of the stack', async () => {
    expect(await faults(alarmTopicArn)).toEqual([]);
    expect(await faults('arn:aws-us-gov:sns:us-gov-west-1:123456789012:ops', 'us-gov-west-1')).toEqual([]);
    expect(await faults(alarmTopicArn, 'eu-west-1')).toEqual(oneFault('a topic of the same region'));
    expect(await faults('arn:aws-cn:sns:us-east-1:123456789012:ops')).toEqual(oneFault('same region'));
  });

  it('is no subscription, and nothing else', async () => {
    for (const arn of [`${alarmTopicArn}:0a1b2c3d`, 'ops', 'arn:aws:sqs:us-east-1:123456789012:ops']) {
      expect(await faults(arn)).toEqual(oneFault('the ARN of an SNS topic, not of a subscription'));
    }
  });
});

describe('a number', () => {
  it.each(['0x10', '1e3', '-1', '1.5', '', 'Infinity', ' 5'])('is not written %j', async (batchSize) => {
    expect(await faultsOf({ params: { batchSize } })).toEqual(oneFault('batchSize is "'));
  });

  it('keeps what a job of the usual deadline reads until it ends', async () => {
    expect(await faultsOf({ params: { reportDays: '14', manifestDays: '14' } })).toEqual([
      expect.stringContaining('reportDays is "14"; it takes a whole number from 15'),
      expect.stringContaining('manifestDays is "14"; it takes a whole number from 15'),
    ]);
  });
});

describe('how copies are made', () => {
  it.each(['5242880', '268435456', '5368709120'])(
    'goes in parts above %s bytes',
    async (multipartCopyBytes) => {
      expect(await faultsOf({ params: { multipartCopyBytes, requesterPays: 'true' } })).toEqual([]);
    },
  );

  it('is refused outside of what S3 takes', async () => {
    expect(await faultsOf({ params: { multipartCopyBytes: '5242879', requesterPays: 'yes' } })).toEqual([
      'multipartCopyBytes is "5242879"; it takes a whole number from 5242880 to 5368709120',
      'requesterPays is "yes"; it takes true or false',
    ]);
  });
});

describe('further inboxes', () => {
  const inboxFaults = (inboxBuckets: string, params: Record<string, string> = {}) =>
    faultsOf({ params: { inboxBuckets, ...params } });
  const TOPIC = 'arn:aws:sns:us-east-1:123456789012:new-exports';

  it('are buckets as sources are, and none by default', async () => {
    expect(await inboxFaults('exports, partner.lists ,exports')).toEqual([]);
    expect(await inboxFaults('s3://exports')).toEqual(
      oneFault('inboxBuckets holds "s3://exports"', 'no s3://'),
    );
    const { inboxBuckets, inboxResources, ingestQueueStatements } = await settle({});
    expect([inboxBuckets, inboxResources]).toEqual(['', { Resources: {} }]);
    expect(ingestQueueStatements.map(({ Sid }) => Sid)).toEqual(['InboxMayNotify', 'TlsOnly']);
  });

  // CloudFormation would delete the one subscription of a topic whose id in the template changes.
  it('keep the subscription of each topic when the list changes', async () => {
    const subscriptions = async (...names: string[]) => {
      const inboxTopics = names.map((name) => TOPIC.replace('new-exports', name)).join(',');
      const { inboxResources } = await settle({ params: { inboxBuckets: 'exports', inboxTopics } });
      return Object.entries(inboxResources.Resources).filter(([id]) => id.startsWith('InboxTopic'));
    };
    const [first, second, third] = await subscriptions('first', 'second', 'third');
    expect(await subscriptions('third', 'first')).toEqual([third, first]);
    expect(new Set([first, second, third].map((each) => each?.[0])).size).toBe(3);
    expect(first?.[0]).toMatch(/^[A-Za-z0-9]{1,255}$/);
  });

  it.each([
    ['spillway-dev-inbox-000000000000-us-east-1', 'two would run each job'],
    ['spillway-prod-inbox-123456789012-eu-west-1', 'two would run each job'],
    ['spillway-dev-reports-000000000000-us-east-1', 'the report of each job would start another'],
    ['spillway-dev-serverlessdeploymentbucket-1abcdefghijkl', 'the code of a stack'],
    ['spillway-dev-destination-000000000000-us-east-1', 'objects written there would start jobs'],
  ])('are no bucket of the service itself: %s', async (name, why) => {
    expect(await inboxFaults(name)).toEqual(oneFault(`inboxBuckets holds "${name}"`, why));
  });

  it('are no destination, but may be a source', async () => {
    expect(await inboxFaults('exports', { destinationBuckets: 'other,exports' })).toEqual(
      oneFault('inboxBuckets holds "exports"', 'a destination'),
    );
    expect(await inboxFaults('exports', { sourceBuckets: 'exports' })).toEqual([]);
  });

  it('are as many as the policies hold', async () => {
    const names = Array.from({ length: 11 }, (_, index) =>
      `b${String(index).padStart(2, '0')}`.padEnd(63, 'x'),
    );
    expect(await inboxFaults(names.slice(0, 10).join())).toEqual([]);
    expect(await inboxFaults(names.join())).toEqual(oneFault('11 buckets', '--stage NAME'));
    expect(await inboxFaults(`a${'b'.repeat(254)},c${'d'.repeat(254)},e${'f'.repeat(254)}`)).toEqual(
      oneFault('3 buckets of 767 characters', '--stage NAME'),
    );
  });

  it.each([
    [`${TOPIC}:0f7f9a1c-0000-4000-8000-000000000000`, 'not of subscriptions'],
    [`${TOPIC}.fifo`, 'FIFO topics'],
    ['new-exports', 'it takes ARNs of SNS topics'],
    [TOPIC.replace('us-east-1', 'eu-west-1'), 'topics of the same region'],
    [TOPIC.replace('arn:aws:', 'arn:aws-cn:'), 'topics of the same region'],
  ])('have topics by their ARN, and not %s', async (inboxTopics, why) => {
    expect(await inboxFaults('exports', { inboxTopics })).toEqual(
      oneFault(`inboxTopics holds "${inboxTopics}"`, why),
    );
  });

  it('have topics only where there are buckets, and at most ten', async () => {
    expect(await inboxFaults('exports', { inboxTopics: `${TOPIC},${TOPIC}, ${TOPIC}-2` })).toEqual([]);
    expect(await inboxFaults('', { inboxTopics: TOPIC })).toEqual(oneFault('without inboxBuckets'));
    const many = Array.from({ length: 11 }, (_, index) => `${TOPIC}-${index}`).join();
    expect(await inboxFaults('exports', { inboxTopics: many })).toEqual(oneFault('11 topics, and takes 10'));
  });

  it('stay in the queue’s policy within what SQS takes', async () => {
    const inboxBuckets = Array.from({ length: 10 }, (_, index) => `b${index}`.padEnd(63, 'x')).join();
    const inboxTopics = Array.from({ length: 10 }, (_, index) =>
      TOPIC.replace('new-exports', `t${index}`.padEnd(256, 'x')),
    );
    const { ingestQueueStatements } = await settle({
      params: { inboxBuckets, inboxTopics: inboxTopics.join() },
    });
    const characters = JSON.stringify({ Version: '2012-10-17', Statement: ingestQueueStatements }).length;
    expect(characters).toBeLessThanOrEqual(8_192);
  });
});

describe('the command line', () => {
  it('gives parameters that serverless.yml has, each once', async () => {
    expect(await faultsOf({ options: ['sourceBuckets=a,b', 'batchSize=10'] })).toEqual([]);
    expect(await faultsOf({ options: ['souceBuckets=a', 'constructor=a'] })).toEqual([
      expect.stringMatching(
        /^--param "souceBuckets" is none; the parameters are inboxBuckets, inboxTopics, .*tracing$/,
      ),
      expect.stringMatching(/^--param "constructor" is none/),
    ]);
    expect(await faultsOf({ options: ['sourceBuckets=a', 'sourceBuckets=b', 'batchSize=1'] })).toEqual([
      '--param sourceBuckets is given twice, and the last would win; give it once, a list with commas',
    ]);
  });
});

describe('serverless.yml', () => {
  it('sets parameters that there are, for every stage and for one', async () => {
    const file = {
      'self:params.default, null': { ...defaults, blockRow: 1 },
      'self:params.dev, null': { batchSize: 10, sourceBucket: 'photos' },
    };
    expect(await faultsOf({ file })).toEqual([
      expect.stringMatching(
        /^params.default in serverless.yml has "blockRow", which is none; the parameters are/,
      ),
      expect.stringMatching(/^params.dev in serverless.yml has "sourceBucket", which is none/),
    ]);
  });
});

describe('the room for the lists of buckets', () => {
  /** Different names, each of so many characters. */
  const names = (count: number, characters: number) =>
    Array.from({ length: count }, (_, index) => `b${index}`.padEnd(characters, 'x'));
  const listsOf = (sourceBuckets: string[], destinationBuckets: string[]) => ({
    ...{
      sourceBuckets,
      destinationBuckets,
      sourceHosts: [],
      kmsKeys: [],
      inboxBuckets: [],
      manifestBuckets: [],
    },
  });
  const room = (sources: string[], destinations: string[] = []) =>
    Object.values(policyCharacters(listsOf(sources, destinations), STACK)).every((size) => size <= 10_240) &&
    environmentBytes(listsOf(sources, destinations), STACK) <= 4096;

  it.each([
    [5, 'IAM takes 10240'],
    [20, 'IAM takes 10240'],
    [63, 'Lambda takes 4096'],
    [255, 'Lambda takes 4096'],
  ])('is used to its end with names of %d characters, and not beyond', async (characters, limit) => {
    const many = names(400, characters);
    const most = many.findIndex((_, index) => !room(many.slice(0, index + 1)));
    expect(most).toBeGreaterThan(0);
    expect(await sourceFaults(many.slice(0, most).join())).toEqual([]);
    expect(await sourceFaults(many.slice(0, most + 1).join())).toEqual(
      oneFault(`sourceBuckets (${most + 1})`, limit, `The first ${most} of the source buckets fit`),
    );
    expect(await sourceFaults(many.join())).toEqual(oneFault(`The first ${most} of the source buckets fit`));
  });

  it('is counted in every role that holds the lists', async () => {
    // UploadRole has each source twice, and fits. IngestRole has inboxes and buckets of manifests besides.
    const lists = {
      sourceBuckets: names(195, 4).join(),
      inboxBuckets: names(10, 63).join(),
      manifestBuckets: names(10, 63).join().replaceAll('b', 'm'),
    };
    expect(await faultsOf({ params: lists })).toEqual(
      oneFault(
        'inboxBuckets (10) and manifestBuckets (10)',
        'characters of policies for IngestRole',
        'The first',
      ),
    );
  });

  it('is shared with the buckets of manifests, whose names may be long', async () => {
    const manifestBuckets = names(10, 200).join().replaceAll('b', 'm');
    expect(await faultsOf({ params: { manifestBuckets, destinationBuckets: names(22, 60).join() } })).toEqual(
      oneFault('manifestBuckets (10)', 'The manifest buckets have 2009 characters'),
    );
  });

  it('is shared with the destinations, which may fill it alone', async () => {
    const destinationBuckets = names(60, 60).join();
    expect(await faultsOf({ params: { destinationBuckets, sourceBuckets: 'photos' } })).toEqual(
      oneFault('destinationBuckets (60)', 'The destination buckets alone are too many', '--stage'),
    );
  });
});

describe('the owner of a bucket', () => {
  it('is an account, or for a source any', async () => {
    const sourceBuckets = 'photos,archive@123456789012,open-data@any';
    expect((await settle({ params: { sourceBuckets } })).sourceBuckets).toBe(sourceBuckets);
    expect(await destinationFaults('archive@123456789012')).toEqual([]);
  });

  it.each([
    ['photos@123', 'whose owner is no account'],
    ['photos@', 'whose owner is no account'],
    ['photos@1234567890123', 'whose owner is no account'],
    ['photos@123456789012@210987654321', 'whose owner is no account'],
    ['@123456789012', 'no name of a bucket'],
  ])('is not read from %s', async (entry, why) => {
    expect(await sourceFaults(entry)).toEqual(oneFault(`sourceBuckets holds "${entry}"`, why));
  });

  it('is named for a destination: objects go to no unknown account', async () => {
    expect(await destinationFaults('photos@any')).toEqual(
      oneFault('destinationBuckets holds "photos@any"', 'name its owner'),
    );
  });

  it('is one', async () => {
    expect(await sourceFaults('photos,photos@123456789012')).toEqual(
      oneFault('"photos" and "photos@123456789012": a bucket has one owner'),
    );
    expect(
      await faultsOf({ params: { sourceBuckets: 'photos', destinationBuckets: 'photos@123456789012' } }),
    ).toEqual(
      oneFault('"photos" in sourceBuckets and "photos@123456789012" in destinationBuckets', 'one owner'),
    );
  });

  it('does not hide a bucket of the service', async () => {
    expect(await destinationFaults('spillway-dev-inbox-000000000000-us-east-1@123456789012')).toEqual(
      oneFault('the inbox of this stack'),
    );
  });
});

describe('a key of KMS', () => {
  const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const keyFaults = (kmsKeys: string, stack = {}) => faultsOf({ params: { kmsKeys }, stack });

  it('is an ARN, of any region', async () => {
    const replica = 'arn:aws:kms:eu-west-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab';
    const { kmsKeys, manifestStatements } = await settle({
      params: { kmsKeys: ` ${KEY},, ${replica}, ${KEY}` },
    });
    expect(kmsKeys).toBe(`${KEY},${replica}`);
    expect(manifestStatements).toContainEqual({
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: [KEY, replica],
      Condition: {
        StringEquals: { 'kms:ViaService': ['s3.us-east-1.amazonaws.com', 's3.eu-west-1.amazonaws.com'] },
      },
    });
  });

  it.each([
    ['alias/exports', 'an alias. A policy names a key by its own ARN alone'],
    ['arn:aws:kms:us-east-1:123456789012:alias/exports', 'an alias'],
    ['1234abcd-12ab-34cd-56ef-1234567890ab', 'no ARN of a key of KMS'],
    [`${KEY}*`, 'no ARN of a key of KMS'],
    ['arn:aws:kms:us-east-1:123456789012:key/*', 'no ARN of a key of KMS'],
    [KEY.replace('arn:aws', 'arn:aws-cn'), 'a key of the partition aws-cn'],
  ])('is not %s', async (key, why) => {
    expect(await keyFaults(key)).toEqual(oneFault(`kmsKeys holds "${key}"`, why));
  });

  it('has its part of the room', async () => {
    const many = Array.from({ length: 60 }, (_, index) => KEY.replace(/ab$/, String(index).padStart(2, '0')));
    expect(await keyFaults(many.join())).toEqual(
      oneFault('kmsKeys (60)', 'Lambda takes 4096', 'The keys have'),
    );
  });

  it('is none by default', async () => {
    expect(JSON.stringify(await settle({}))).not.toContain('kms:');
  });
});

describe('a host that manifests may read from', () => {
  const hostFaults = (sourceHosts: string) => faultsOf({ params: { sourceHosts } });

  it('is a name, or a pattern for the names below one', async () => {
    const { sourceHosts } = await settle({
      params: { sourceHosts: ' files.example.com,,*.example.org , files.example.com' },
    });
    expect(sourceHosts).toBe('files.example.com,*.example.org');
  });

  it.each([
    ['Files.Example.com', 'in lower case: files.example.com'],
    ['127.0.0.1', 'an address'],
    ['::1', 'an address'],
    ['*.com', 'a whole top-level domain'],
    ['*', 'no name of a host'],
    ['localhost', 'no name of a host'],
    ['https://files.example.com', 'no https://'],
    ['files.example.com:443', 'no https://, port or path'],
    ['files.example.com.', 'no name of a host'],
    ['-a.example.com', 'no name of a host'],
  ])('is not %s', async (host, why) => {
    expect(await hostFaults(`good.example.com,${host}`)).toEqual(
      oneFault(`sourceHosts holds "${host}"`, why),
    );
  });

  it('has its part of the room', async () => {
    const many = Array.from({ length: 200 }, (_, index) => `host-${index}.files.example.com`).join();
    expect(await hostFaults(many)).toEqual(
      oneFault('sourceHosts (200)', 'Lambda takes 4096', 'allow *.DOMAIN'),
    );
  });
});

it('reports every fault at once', async () => {
  const faults = await faultsOf({
    stack: { stage: 'Prod' },
    params: {
      batchSize: 'many',
      logRetentionDays: 'long',
      sourceBuckets: 's3://a,b--x-s3',
      destinationBuckets: 'spillway-dev-inbox-000000000000-us-east-1',
      alarmTopicArn: 'ops',
    },
  });
  expect(faults.map((fault) => fault.split(' ', 1)[0])).toEqual([
    'stage',
    'sourceBuckets',
    'sourceBuckets',
    'destinationBuckets',
    'batchSize',
    'logRetentionDays',
    'alarmTopicArn',
  ]);
});

describe('the tokens of callers', () => {
  const token = { jwtIssuer: 'https://issuer.example.com', jwtAudience: 'spillway' };

  it('may be asked for scopes', async () => {
    const { apiAuthorizer } = await settle({
      params: { ...token, jwtScopes: 'spillway/read, spillway/write' },
    });
    expect(apiAuthorizer).toEqual({ name: 'jwt', scopes: ['spillway/read', 'spillway/write'] });
    expect((await settle({ params: token })).apiAuthorizer).toEqual({ name: 'jwt' });
  });

  it.each([
    ['without an issuer', { jwtScopes: 'read' }, 'give jwtIssuer and jwtAudience'],
    ['with a space within', { ...token, jwtScopes: 'read write' }, 'separated by commas'],
    ['with an empty one', { ...token, jwtScopes: 'read,' }, 'separated by commas'],
    ['with quotes', { ...token, jwtScopes: '"read"' }, 'separated by commas'],
    ['of 65 characters', { ...token, jwtScopes: 'x'.repeat(65) }, 'up to 64 characters'],
    ['of which there are 11', { ...token, jwtScopes: Array(11).fill('x').join(',') }, '11 scopes'],
  ])('have no scopes %s', async (_, params, why) => {
    expect(await faultsOf({ params })).toEqual(oneFault('jwtScopes', why));
  });
});
