// The permissions of roles: what a statement allows, what a request needs, what is recorded of both.
import { describe, expect, it } from 'vitest';
import { parseS3Request } from '../../local/aws/s3/s3-requests.ts';
import { accessKeyOf, createAuthorizer, KEY_OF_AWS } from '../../local/iam/authorizer.ts';
import { dynamodbAccess, eventAccess, sqsAccess } from '../../local/iam/json-access.ts';
import {
  allowingStatement,
  contextOf,
  judge,
  type ResourceStatement,
  type Role,
  type Statement,
} from '../../local/iam/policy.ts';
import { PolicyError, readResourceStatements, readRoleStatements } from '../../local/iam/read-policy.ts';
import { deletionAccess, readPlace, s3Access } from '../../local/iam/s3-access.ts';

const statement = (change: Partial<Statement>): Statement => ({
  actions: ['s3:GetObject'],
  resources: ['arn:aws:s3:::b/*'],
  conditions: {},
  ...change,
});
const role = (...statements: Statement[]): Role => ({
  name: 'SomeRole',
  arn: 'arn:aws:iam::000000000000:role/some',
  statements,
});
const S3_PLACE = {
  ...{ region: 'eu-west-1', accountId: '000000000000' },
  ownerOf: (bucket: string) => (bucket === 'theirs' ? '111111111111' : '000000000000'),
  keyOf: ({ key }: { key: string }) => (key === 'under-a-key' ? KMS_KEY : undefined),
};
const KMS_KEY = 'arn:aws:kms:eu-west-1:1:key/2';
const place = { region: 'eu-west-1', accountId: '000000000000' };

describe('a pattern', () => {
  it.each([
    ['*', '', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/a/b', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b/line\nbreak', true],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::b', false],
    ['arn:aws:s3:::b/*', 'arn:aws:s3:::bb/a', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['(a+)[b]', '(a+)[b]', true],
    ['J#*', 'J#1', true],
    ['J#*', 'S#J#1', false],
  ])('%j fits %j: %s', (pattern, text, expected) => {
    const asked = { action: 's3:GetObject', resource: text };
    expect(allowingStatement(role(statement({ resources: [pattern] })), asked) !== undefined).toBe(expected);
  });
});

describe('a role', () => {
  const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' };

  it('allows by the first statement that fits action and resource', () => {
    const none = statement({ resources: ['arn:aws:s3:::c/*'] });
    expect(allowingStatement(role(none, statement({})), get)).toBe(1);
    expect(allowingStatement(role(statement({ actions: ['S3:getobject'] })), get)).toBe(0);
    expect(allowingStatement(role(none), get)).toBeUndefined();
    expect(allowingStatement(role(), get)).toBeUndefined();
  });

  it('allows nothing where a condition does not hold, or where the request has no value for it', () => {
    const conditions = { StringLike: { 's3:prefix': ['api/*', 'jobs/*'] } };
    const limited = role(statement({ conditions }));
    const asked = (context: Record<string, string[]>) => allowingStatement(limited, { ...get, context });
    expect(asked({ 's3:prefix': ['jobs/1'] })).toBe(0);
    expect(asked({ 's3:prefix': ['other/'] })).toBeUndefined();
    expect(asked({})).toBeUndefined();
  });

  it('holds "for all" where each value fits, and where there is none', () => {
    const conditions = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['J#*'] } };
    const limited = role(statement({ conditions }));
    const asked = (keys: string[]) =>
      allowingStatement(limited, { ...get, context: { 'dynamodb:LeadingKeys': keys } });
    expect(asked(['J#1', 'J#2'])).toBe(0);
    expect(asked([])).toBe(0);
    expect(asked(['J#1', 'S#1'])).toBeUndefined();
  });

  it('does not guess what an unknown operator means', () => {
    const conditions = { NumericLessThan: { 's3:max-keys': ['10'] } };
    expect(() => allowingStatement(role(statement({ conditions })), get)).toThrow('NumericLessThan');
  });
});

describe('a request to S3', () => {
  const needs = (method: string, url: string, headers: Record<string, string> = {}) => {
    const request = parseS3Request({ method, url, headers });
    if (request === undefined) throw new Error(`${url} is no request`);
    return s3Access(request, headers, S3_PLACE).map(
      ({ action, resource }) => `${action} ${resource.replace('arn:aws:s3:::', '')}`,
    );
  };

  it.each([
    ['GET', '/b/k', ['s3:GetObject b/k']],
    ['HEAD', '/b/a%20b/k', ['s3:GetObject b/a b/k']],
    ['GET', '/b/k?versionId=1', ['s3:GetObjectVersion b/k']],
    ['PUT', '/b/k', ['s3:PutObject b/k']],
    ['POST', '/b/k?uploads', ['s3:PutObject b/k']],
    ['PUT', '/b/k?partNumber=1&uploadId=u', ['s3:PutObject b/k']],
    ['POST', '/b/k?uploadId=u', ['s3:PutObject b/k']],
    ['DELETE', '/b/k?uploadId=u', ['s3:AbortMultipartUpload b/k']],
    ['GET', '/b/k?uploadId=u', ['s3:ListMultipartUploadParts b/k']],
    ['DELETE', '/b/k', ['s3:DeleteObject b/k']],
    ['DELETE', '/b/k?versionId=1', ['s3:DeleteObjectVersion b/k']],
    ['GET', '/b?list-type=2&prefix=p', ['s3:ListBucket b']],
    ['HEAD', '/b', ['s3:ListBucket b']],
    ['GET', '/b?versions', ['s3:ListBucketVersions b']],
    ['GET', '/b?uploads', ['s3:ListBucketMultipartUploads b']],
    ['GET', '/b/k?tagging', ['s3:GetObjectTagging b/k']],
    ['GET', '/b?versioning', ['s3:GetBucketVersioning b']],
  ])('%s %s needs %j', (method, url, expected) => {
    expect(needs(method, url)).toEqual(expected);
  });

  it('that copies reads its source with its tags, and writes both', () => {
    expect(needs('PUT', '/b/k', { 'x-amz-copy-source': 's/a%20b' })).toEqual([
      's3:PutObject b/k',
      's3:GetObject s/a b',
      's3:GetObjectTagging s/a b',
      's3:PutObjectTagging b/k',
    ]);
    expect(needs('PUT', '/b/k', { 'x-amz-copy-source': '/s/k?versionId=7' })).toContain(
      's3:GetObjectVersion s/k',
    );
    expect(needs('PUT', '/b/k?partNumber=1&uploadId=u', { 'x-amz-copy-source': 's/k' })).toEqual([
      's3:PutObject b/k',
      's3:GetObject s/k',
    ]);
  });

  it('with tags or a key of KMS needs the permissions for those', () => {
    const key = 'arn:aws:kms:eu-west-1:000000000000:key/1';
    expect(needs('PUT', '/b/k', { 'x-amz-tagging': 'a=b' })).toContain('s3:PutObjectTagging b/k');
    expect(needs('PUT', '/b/k', { 'x-amz-server-side-encryption-aws-kms-key-id': key })).toContain(
      `kms:GenerateDataKey ${key}`,
    );
  });

  it('for an object under a key needs to decrypt with it, in parts as well', () => {
    const decrypts = `kms:Decrypt ${KMS_KEY}`;
    expect(needs('GET', '/b/under-a-key')).toContain(decrypts);
    expect(needs('PUT', '/b/k', { 'x-amz-copy-source': 's/under-a-key' })).toContain(decrypts);
    expect(needs('HEAD', '/b/under-a-key', { 'x-amz-checksum-mode': 'ENABLED' })).toContain(decrypts);
    expect(needs('HEAD', '/b/under-a-key')).toEqual(['s3:GetObject b/under-a-key']);
    expect(needs('GET', '/b/k')).toEqual(['s3:GetObject b/k']);
    const header = 'x-amz-server-side-encryption-aws-kms-key-id';
    expect(needs('POST', '/b/k?uploads', { [header]: KMS_KEY })).toContain(decrypts);
    const id = '1234abcd-12ab-34cd-56ef-1234567890ab';
    expect(needs('PUT', '/b/k', { [header]: id })).toContain(
      `kms:GenerateDataKey arn:aws:kms:eu-west-1:000000000000:key/${id}`,
    );
  });

  it.each(['/s', 's/', '%E0%A4%A/k', 's/k?versionId=%E0%A4%A'])(
    'reads nothing where it copies %j',
    (header) => {
      expect(needs('PUT', '/b/k', { 'x-amz-copy-source': header })).toEqual(['s3:PutObject b/k']);
    },
  );

  it('says whose account each bucket is of', () => {
    const headers = { 'x-amz-copy-source': 'theirs/k' };
    const request = parseS3Request({ method: 'PUT', url: '/b/k', headers });
    const owners =
      request &&
      s3Access(request, headers, S3_PLACE).map(({ resource, context }) => [
        resource,
        context?.['aws:ResourceAccount'],
      ]);
    expect(owners).toContainEqual(['arn:aws:s3:::b/k', ['000000000000']]);
    expect(owners).toContainEqual(['arn:aws:s3:::theirs/k', ['111111111111']]);
  });

  it('that deletes a list needs the permission for each of its keys', () => {
    const body = '<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object></Delete>';
    expect(deletionAccess('c', body, S3_PLACE).map(({ resource }) => resource)).toEqual([
      'arn:aws:s3:::c/a',
      'arn:aws:s3:::c/b',
    ]);
  });

  it('that copies reads the object in its header', () => {
    const headers = { 'x-amz-copy-source': '/s/a/b?versionId=7' };
    const request = parseS3Request({ method: 'PUT', url: '/b/k', headers });
    expect(request && readPlace(request)).toEqual({ bucket: 's', key: 'a/b', versionId: '7' });
  });
});

describe('a call', () => {
  it('to SQS needs the permission of the single message, on its queue', () => {
    expect(sqsAccess('SendMessageBatch', 'q', place)).toEqual([
      { action: 'sqs:SendMessage', resource: 'arn:aws:sqs:eu-west-1:000000000000:q' },
    ]);
  });

  it('to DynamoDB names its table or index, and the keys that it touches', () => {
    const keys = new Map([['t', 'pk']]);
    const arn = 'arn:aws:dynamodb:eu-west-1:000000000000:table/t';
    const leading = (body: object) => dynamodbAccess('X', body as Record<string, unknown>, keys, place);
    expect(leading({ TableName: 't', Key: { pk: { S: 'J#1' } } })).toEqual([
      { action: 'dynamodb:X', resource: arn, context: { 'dynamodb:LeadingKeys': ['J#1'] } },
    ]);
    expect(leading({ TableName: 't', IndexName: 'live' })[0]?.resource).toBe(`${arn}/index/live`);
    expect(
      leading({ RequestItems: { t: { Keys: [{ pk: { S: 'a' } }, { pk: { S: 'b' } }] } } }),
    ).toMatchObject([{ resource: arn, context: { 'dynamodb:LeadingKeys': ['a', 'b'] } }]);
  });

  it('to EventBridge needs the permission for each event, with its source', () => {
    expect(eventAccess({ Entries: [{ Source: 'spillway', DetailType: 'd' }] }, place)).toMatchObject([
      {
        resource: 'arn:aws:events:eu-west-1:000000000000:event-bus/default',
        context: { 'events:source': ['spillway'] },
      },
    ]);
    expect(eventAccess(undefined, place)).toEqual([]);
  });

  it('is judged where parts of its body are null, or no objects: the service itself refuses those', () => {
    expect(eventAccess({ Entries: [null, 1] }, place)).toHaveLength(2);
    expect(eventAccess({ Entries: null }, place)).toEqual([]);
    const hashKeys = new Map([['t', 'pk']]);
    for (const asked of [
      null,
      1,
      [null],
      [{ PutRequest: null }],
      [{ PutRequest: { Item: null } }],
      { Keys: [null] },
    ])
      expect(dynamodbAccess('BatchWriteItem', { RequestItems: { t: asked } }, hashKeys, place)).toMatchObject(
        [{ context: { 'dynamodb:LeadingKeys': [] } }],
      );
  });
});

describe('the authorizer', () => {
  const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' };
  const signedBy = (key: string) =>
    `AWS4-HMAC-SHA256 Credential=${key}/20260101/r/s3/aws4_request, Signature=0`;
  const ofRole = signedBy(accessKeyOf('SomeRole'));

  it('denies a role what no statement allows, in AWS’s words, and counts it', () => {
    const authorizer = createAuthorizer([role()]);
    expect(authorizer.deny(ofRole, [get])).toMatch(
      /^User: arn:aws:sts::000000000000:assumed-role\/some\/local is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b\/k"/,
    );
    authorizer.deny(ofRole, [get]);
    expect(authorizer.record().denied).toEqual([{ role: 'SomeRole', ...get, times: 2 }]);
  });

  it('counts the use of each permission by its statement', () => {
    const authorizer = createAuthorizer([role(statement({}))]);
    expect(authorizer.deny(ofRole, [get, get])).toBeUndefined();
    expect(authorizer.record()).toEqual({
      used: [{ role: 'SomeRole', statement: 0, action: 's3:GetObject', uses: 2, isNeeded: true }],
      denied: [],
    });
  });

  it('knows a statement that no request needs, since another allows the same', () => {
    const authorizer = createAuthorizer([role(statement({}), statement({ resources: ['*'] }))]);
    authorizer.deny(ofRole, [get]);
    authorizer.deny(ofRole, [{ ...get, resource: 'arn:aws:s3:::other/k' }]);
    expect(authorizer.record().used.map(({ statement: place, isNeeded }) => [place, isNeeded])).toEqual([
      [0, false],
      [1, true],
    ]);
  });

  it('denies nothing to the user of this machine, whatever the key', () => {
    const authorizer = createAuthorizer([role()]);
    for (const authorization of [undefined, '', 'Bearer x', signedBy('local'), signedBy('role-Other')]) {
      expect(authorizer.isChecked(authorization)).toBe(false);
      expect(authorizer.deny(authorization, [get])).toBeUndefined();
    }
    expect(authorizer.record()).toEqual({ used: [], denied: [] });
  });

  describe('with the policy of a bucket', () => {
    const policed = (...statements: ResourceStatement[]) =>
      createAuthorizer([role(statement({}))], {
        accountId: '000000000000',
        policies: [{ name: 'BPolicy', attachedTo: ['arn:aws:s3:::b'], statements }],
      });
    const of = (change: Partial<ResourceStatement>): ResourceStatement => ({
      ...statement({}),
      ...{ sid: 'Sid', effect: 'Deny', principals: { kind: 'everyone' } },
      ...change,
    });
    const s3OfBucket = (name: string, sourceAccount = '000000000000') => ({
      ...{ kind: 'service' as const, service: 's3.amazonaws.com' },
      ...{ sourceArn: `arn:aws:s3:::${name}`, sourceAccount },
    });

    it('lets an explicit deny outweigh the role, and the user’s own rights', () => {
      const authorizer = policed(of({ effect: 'Allow' }), of({ sid: 'NotThis' }));
      for (const sender of [ofRole, undefined, signedBy('local')])
        expect(authorizer.deny(sender, [get])).toMatch(
          /with an explicit deny in a resource-based policy: BPolicy NotThis$/,
        );
      expect(authorizer.record().denied.map(({ role: name, times }) => [name, times])).toEqual([
        ['SomeRole', 1],
        ['user', 2],
      ]);
      expect(authorizer.deny(signedBy(KEY_OF_AWS), [get])).toBeUndefined();
    });

    it('denies nothing on other buckets, and not what its condition lets through', () => {
      const authorizer = policed(
        of({ conditions: { Bool: { 'aws:SecureTransport': ['false'] } } }),
        of({ conditions: { ArnNotEquals: { 'aws:PrincipalArn': [role().arn] } } }),
      );
      expect(authorizer.deny(ofRole, [get])).toBeUndefined();
      expect(authorizer.deny(undefined, [{ ...get, resource: 'arn:aws:s3:::bb/k' }])).toBeUndefined();
      expect(authorizer.deny(undefined, [get])).toContain('explicit deny');
    });

    it('allows a role of the account what it names, and records which of both was needed', () => {
      const principals = { kind: 'listed' as const, accounts: [role().arn], services: [] };
      const authorizer = policed(of({ effect: 'Allow', principals, actions: ['s3:*'] }));
      expect(authorizer.deny(ofRole, [get, { ...get, action: 's3:PutObject' }])).toBeUndefined();
      expect(authorizer.record().used).toEqual([
        { role: 'SomeRole', statement: 0, action: 's3:GetObject', uses: 1, isNeeded: false },
        { role: 'BPolicy', statement: 0, action: 's3:GetObject', uses: 1, isNeeded: false },
        { role: 'BPolicy', statement: 0, action: 's3:PutObject', uses: 1, isNeeded: true },
      ]);
    });

    it('lets a service in only where a statement allows it for this source', () => {
      const authorizer = policed(
        of({
          effect: 'Allow',
          principals: { kind: 'listed', accounts: [], services: ['s3.amazonaws.com'] },
          conditions: {
            ArnEquals: { 'aws:SourceArn': ['arn:aws:s3:::mine'] },
            StringEquals: { 'aws:SourceAccount': ['000000000000'] },
          },
        }),
      );
      expect(authorizer.denyService(s3OfBucket('mine'), get)).toBeUndefined();
      for (const other of [s3OfBucket('theirs'), s3OfBucket('mine', '111111111111')])
        expect(authorizer.denyService(other, get)).toContain('no resource-based policy allows');
      const elsewhere = { ...get, resource: 'arn:aws:s3:::without-a-policy/k' };
      expect(authorizer.denyService(s3OfBucket('mine'), elsewhere)).toContain('Service: s3.amazonaws.com');
      expect(createAuthorizer([]).denyService(s3OfBucket('mine'), get)).toBeUndefined();
    });
  });
});

describe('a document', () => {
  const resource = (change: object) =>
    readResourceStatements({
      Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*', ...change }],
    });

  it('is read in its short forms, with the names of keys in any case', () => {
    expect(
      resource({
        Sid: 'A',
        Principal: { AWS: '1', Service: ['s'] },
        Condition: { Bool: { 'AWS:securetransport': 'false' } },
      }),
    ).toEqual([
      {
        ...{ sid: 'A', effect: 'Deny', actions: ['s3:*'], resources: ['*'] },
        principals: { kind: 'listed', accounts: ['1'], services: ['s'] },
        conditions: { Bool: { 'aws:SecureTransport': ['false'] } },
      },
    ]);
    expect(resource({ Principal: { AWS: ['*'] } })[0]).toMatchObject({
      ...{ sid: 'statement 1', principals: { kind: 'everyone' } },
    });
    expect(readRoleStatements({ Statement: { Effect: 'Allow', Action: 'a:B', Resource: '*' } })).toEqual([
      { actions: ['a:B'], resources: ['*'], conditions: {} },
    ]);
  });

  it.each([
    [{ NotPrincipal: '*' }, 'statement 1: NotPrincipal'],
    [{ NotAction: 's3:*' }, 'NotAction'],
    [{ Principal: { Federated: 'f' } }, 'the principal Federated'],
    [{ Principal: undefined }, 'has a Principal'],
    [{ Effect: 'Maybe' }, 'neither Allow nor Deny'],
    [{ Condition: { IpAddress: { 'aws:SourceIp': '1.2.3.4' } } }, 'the operator IpAddress'],
    [{ Condition: { StringEquals: { 'aws:SourceVpc': 'v' } } }, 'the condition key aws:SourceVpc'],
  ])('with %j is not guessed at', (change, message) => {
    const read = () => resource(change);
    expect(read).toThrow(PolicyError);
    expect(read).toThrow(message);
  });

  it('of a role denies nothing', () => {
    expect(() => readRoleStatements({ Statement: [{ Sid: 'D', Effect: 'Deny' }] })).toThrow('D: a role');
  });
});

it('plain text is denied where a policy takes TLS only', () => {
  const statements = readResourceStatements({
    Statement: {
      ...{ Effect: 'Deny', Principal: '*', Action: 'sqs:*', Resource: 'q' },
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  });
  const caller = { kind: 'principal', arn: 'arn:aws:iam::1:user/u' } as const;
  const asked = { action: 'sqs:SendMessage', resource: 'q', context: contextOf(caller) };
  expect(judge(statements, caller, asked).kind).toBe('silent');
  const plain = { ...asked, context: { ...asked.context, 'aws:SecureTransport': ['false'] } };
  expect(judge(statements, caller, plain).kind).toBe('denied');
});
