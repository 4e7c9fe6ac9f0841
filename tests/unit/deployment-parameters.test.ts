// What infrastructure/params.js takes and refuses: nothing that would fail later, in the deployment or in a job.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { settings } from '../../infrastructure/params.js';
import { environmentBytes, policyCharacters } from '../../infrastructure/upload-permissions.js';

const SERVICE = z.looseObject({
  params: z.object({ default: z.record(z.string(), z.union([z.string(), z.number()])) }),
});
const file = readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8');
const DEFAULTS = SERVICE.parse(parse(file, { merge: true })).params.default;

const STACK = { service: 'spillway', stage: 'dev', region: 'us-east-1', deploymentBucket: undefined };

interface Given {
  params?: Record<string, string>;
  /** As the command line gives them. */
  options?: string[];
  stack?: { service?: string; stage?: string; region?: string; deploymentBucket?: unknown };
}

function settle({ params = {}, options, stack = {} }: Given) {
  const { service, stage, region, deploymentBucket } = { ...STACK, ...stack };
  const values: Record<string, unknown> = {
    'self:params.default': DEFAULTS,
    'opt:param, null': options ?? null,
    'self:service': service,
    'sls:stage': stage,
    'self:provider.region': region,
    'self:provider.deploymentBucket': deploymentBucket,
  };
  for (const [name, value] of Object.entries({ ...DEFAULTS, ...params })) values[`param:${name}`] = value;
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

const oneFault = (...parts: string[]) => [
  expect.stringMatching(new RegExp(parts.map((part) => part.replace(/[.*()/\\]/g, '\\$&')).join('.*'), 's')),
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
    ['us-east-1', 19],
    ['ap-southeast-1', 14],
  ])('leave room in %s for a stage of %d characters', async (region, most) => {
    expect(await faultsOf({ stack: { region, stage: 's'.repeat(most) } })).toEqual([]);
    expect(await faultsOf({ stack: { region, stage: 's'.repeat(most + 1) } })).toEqual(
      oneFault('64 characters; S3 takes 63', `a stage of at most ${most} characters`),
    );
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

describe('the command line', () => {
  it('gives parameters that serverless.yml has, each once', async () => {
    expect(await faultsOf({ options: ['sourceBuckets=a,b', 'batchSize=10'] })).toEqual([]);
    expect(await faultsOf({ options: ['souceBuckets=a', 'constructor=a'] })).toEqual([
      expect.stringMatching(
        /^--param "souceBuckets" is none; the parameters are sourceBuckets, manifestBuckets, .*sourceHosts, .*TopicArn$/,
      ),
      expect.stringMatching(/^--param "constructor" is none/),
    ]);
    expect(await faultsOf({ options: ['sourceBuckets=a', 'sourceBuckets=b', 'batchSize=1'] })).toEqual([
      '--param sourceBuckets is given twice, and the last would win; give it once, a list with commas',
    ]);
  });
});

describe('the room for the lists of buckets', () => {
  /** Different names, each of so many characters. */
  const names = (count: number, characters: number) =>
    Array.from({ length: count }, (_, index) => `b${index}`.padEnd(characters, 'x'));
  const room = (sources: string[], destinations: string[] = []) =>
    policyCharacters(sources, destinations, STACK) <= 10_240 &&
    environmentBytes(sources, destinations, STACK) <= 4096;

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

  it('is shared with the destinations, which may fill it alone', async () => {
    const destinationBuckets = names(60, 60).join();
    expect(await faultsOf({ params: { destinationBuckets, sourceBuckets: 'photos' } })).toEqual(
      oneFault('destinationBuckets (60)', 'The destination buckets alone are too many', '--stage'),
    );
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
    'batchSize',
    'logRetentionDays',
    'sourceBuckets',
    'sourceBuckets',
    'destinationBuckets',
    'alarmTopicArn',
  ]);
});
