// Where a client goes that is redirected: within the endpoint's own domain, and nowhere else.

import { HeadBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { RedirectFault } from '../../shared/aws/redirect-target.ts';
import { followRedirects } from '../../shared/aws/redirects.ts';
import { answeringS3, type GivenAnswer, type SentRequest } from '../helpers/answering-s3.ts';
import { createItemWrites } from '../helpers/item-writes.ts';

const STORED: GivenAnswer = { statusCode: 200, headers: { etag: '"e"', 'x-amz-request-id': 'r' } };

function client(endpoint: string | undefined, answer: (request: SentRequest) => GivenAnswer) {
  const place = endpoint === undefined ? {} : { endpoint, forcePathStyle: true };
  const { s3, sent } = answeringS3(answer, place);
  return { s3: followRedirects(s3), sent };
}

const OF_SITE_2: GivenAnswer = {
  statusCode: 400,
  text: '<Error><Code>AuthorizationHeaderMalformed</Code><Region>site-2</Region></Error>',
};

const put = () => new PutObjectCommand({ Bucket: 'bucket', Key: 'a key/ü', Body: Buffer.from('x') });

describe('a redirect', () => {
  it.each([
    { from: 'https://s3.corp.example', to: 'https://s3.corp.example:8443', isFollowed: true },
    { from: 'https://s3.corp.example', to: 'https://eu.s3.corp.example', isFollowed: true },
    { from: 'https://s3.corp.example', to: 'https://s3-eu.corp.example', isFollowed: true },
    { from: 'http://s3.corp.example', to: 'https://s3.corp.example', isFollowed: true },
    { from: 'https://s3.corp.example', to: 'http://s3.corp.example', isFollowed: false },
    { from: 'https://s3.corp.example', to: 'https://s3.corp.example.evil', isFollowed: false },
    { from: 'https://s3.corp.example', to: 'https://evilcorp.example', isFollowed: false },
    { from: 'https://s3.example', to: 'https://other.example', isFollowed: false },
    { from: 'https://10.0.0.1', to: 'https://11.0.0.1', isFollowed: false },
    { from: 'https://localhost', to: 'https://127.0.0.1', isFollowed: false },
    {
      from: 'https://s3.us-east-1.amazonaws.com',
      to: 'https://s3-eu-west-1.amazonaws.com',
      isFollowed: true,
    },
    {
      from: 'https://s3.us-east-1.amazonaws.com',
      to: 'https://s3.dualstack.eu-west-1.amazonaws.com',
      isFollowed: true,
    },
    {
      from: 'https://s3.us-east-1.amazonaws.com',
      to: 'https://x.execute-api.eu-west-1.amazonaws.com',
      isFollowed: false,
    },
    {
      from: 'https://s3.us-east-1.amazonaws.com',
      to: 'https://s3-1234567890.us-east-1.elb.amazonaws.com',
      isFollowed: false,
    },
    // Anyone may have a name there.
    { from: 'https://storage.co.uk', to: 'https://other.co.uk', isFollowed: false },
    { from: 'https://storage.com.au', to: 'https://com.au', isFollowed: false },
    // A path of the endpoint's own is none of a bucket.
    { from: 'https://s3.corp.example/gateway', to: 'https://s3-eu.corp.example', isFollowed: false },
  ])('from $from to $to is followed: $isFollowed', async ({ from, to, isFollowed }) => {
    const { host, protocol } = new URL(to);
    const { s3, sent } = client(from, ({ hostname, path, headers, ...request }) =>
      headers['host'] === host && request.protocol === protocol
        ? STORED
        : { statusCode: 307, headers: { location: `${to}${path}` }, text: `<Error>${hostname}</Error>` },
    );
    if (!isFollowed) {
      const fault = await s3.send(put()).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(RedirectFault);
      expect(String(fault)).toContain(`--endpoint-url ${to}`);
      expect(sent).toHaveLength(1);
      return;
    }
    await s3.send(put());
    expect(sent.map(({ headers }) => headers['host'])).toEqual([new URL(from).host, host]);
    expect(sent[1]?.path).toBe(sent[0]?.path);
    expect(sent[1]?.protocol).toBe(protocol);
    // From then on at once.
    await s3.send(put());
    expect(sent).toHaveLength(3);
  });

  it('leads out of the domain by no chain of steps', async () => {
    const next: Record<string, string> = {
      's3.eu.corp.example': 'eu.corp.example',
      'eu.corp.example': 'corp.example',
      'corp.example': 'other.corp.example',
    };
    const { s3, sent } = client('https://s3.eu.corp.example', ({ hostname, path }) =>
      hostname in next
        ? { statusCode: 307, headers: { location: `https://${next[hostname]}${path}` } }
        : STORED,
    );
    await expect(s3.send(put())).rejects.toThrow(/to https:\/\/corp\.example, which is outside of its own/);
    expect(sent).toHaveLength(2);
  });

  it('of an endpoint with a path stores nothing under another name', async () => {
    const { s3, sent } = client('https://s3.corp.example/gateway', () => ({
      statusCode: 301,
      text: '<Error><Endpoint>s3-eu.corp.example</Endpoint></Error>',
    }));
    await expect(s3.send(put())).rejects.toThrow(/from an endpoint that has a path\. .*--endpoint-url/);
    expect(sent).toHaveLength(1);
  });

  it('from a name in the host to path style is followed by requests that left before', async () => {
    const { s3, sent } = client(undefined, ({ hostname, path }) =>
      hostname.startsWith('bucket.')
        ? { statusCode: 307, headers: { location: `https://s3.us-west-2.amazonaws.com/bucket${path}` } }
        : STORED,
    );
    await Promise.all([s3.send(put()), s3.send(put())]);
    expect(sent.slice(2).map(({ hostname, path }) => hostname + path)).toEqual(
      Array.from({ length: 2 }, () => 's3.us-west-2.amazonaws.com/bucket/a%20key/%C3%BC'),
    );
  });

  it('of AWS to a HEAD, which names the region alone, is followed from an endpoint that was named', async () => {
    const { s3, sent } = client('https://s3.us-east-1.amazonaws.com', ({ hostname }) =>
      hostname === 's3.eu-central-1.amazonaws.com'
        ? STORED
        : { statusCode: 301, headers: { 'x-amz-bucket-region': 'eu-central-1' } },
    );
    await s3.send(new HeadBucketCommand({ Bucket: 'bucket' }));
    expect(sent[1]).toMatchObject({ hostname: 's3.eu-central-1.amazonaws.com', path: '/bucket/' });
    expect(sent[1]?.headers['authorization']).toContain('/eu-central-1/s3/');
  });

  it('that names its bucket in the host is followed without it in the path', async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ hostname, path }) =>
      hostname === 's3.corp.example'
        ? {
            statusCode: 301,
            headers: { location: `https://bucket.s3.corp.example${path.replace('/bucket', '')}` },
          }
        : STORED,
    );
    await s3.send(put());
    expect(sent.at(-1)).toMatchObject({ hostname: 'bucket.s3.corp.example', path: '/a%20key/%C3%BC' });
  });

  it('is understood where the bucket is named as the host begins', async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ hostname, path }) =>
      hostname === 's3.corp.example'
        ? { statusCode: 307, headers: { location: `https://s3.s3.corp.example${path.slice(3)}` } }
        : STORED,
    );
    await s3.send(new PutObjectCommand({ Bucket: 's3', Key: 's3/k', Body: Buffer.from('x') }));
    expect(sent.map(({ hostname, path }) => hostname + path)).toEqual([
      's3.corp.example/s3/s3/k',
      's3.s3.corp.example/s3/k',
    ]);
  });

  it("of AWS's own to another region is made for that region", async () => {
    const { s3, sent } = client(undefined, ({ hostname }) =>
      hostname.includes('eu-central-1')
        ? STORED
        : { statusCode: 301, headers: { 'x-amz-bucket-region': 'eu-central-1' } },
    );
    await s3.send(new HeadBucketCommand({ Bucket: 'bucket' }));
    await s3.send(put());
    expect(sent.map(({ hostname }) => hostname)).toEqual([
      'bucket.s3.us-east-1.amazonaws.com',
      'bucket.s3.eu-central-1.amazonaws.com',
      'bucket.s3.eu-central-1.amazonaws.com',
    ]);
    expect(sent[1]?.headers['authorization']).toContain('/eu-central-1/s3/');
  });

  it('met by a direct write is followed, and by the next ones passed over', async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ hostname, path }) =>
      hostname === 's3.corp.example'
        ? { statusCode: 307, headers: { location: `https://s3-new.corp.example${path}` } }
        : STORED,
    );
    const writer = createItemWrites(s3);
    const write = {
      item: { key: 'k', text: 'x' },
      destination: { bucket: 'bucket', key: 'k' },
      ifExists: 'overwrite' as const,
    };
    for (let times = 0; times < 3; times++) await writer.write(write);
    // The direct write, the SDK's, the SDK's at the new place; then one each.
    expect(sent.map(({ hostname }) => hostname.split('.')[0])).toEqual([
      's3',
      's3',
      's3-new',
      's3-new',
      's3-new',
    ]);
  });

  it.each([
    { headers: {}, text: '' },
    { headers: { location: '//' }, text: '' },
    { headers: { location: 'javascript:alert(1)' }, text: '' },
    { headers: { location: `https://${'x'.repeat(10_000)}` }, text: '' },
    { headers: {}, text: '<Error><Endpoint>a b</Endpoint></Error>' },
  ])('that names no address is told so: $headers $text', async (answer) => {
    const { s3 } = client('https://s3.corp.example', () => ({ statusCode: 301, ...answer }));
    await expect(s3.send(put())).rejects.toThrow(/names no address/);
  });

  it('in a circle ends', async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ path, headers }) => ({
      statusCode: 307,
      headers: {
        location: `https://${headers['host'] === 'a.s3.corp.example' ? 'b' : 'a'}.s3.corp.example${path}`,
      },
    }));
    await expect(s3.send(put())).rejects.toThrow(/form a loop/);
    expect(sent).toHaveLength(4);
  });
});

describe('a 400', () => {
  it("for a signature of another region is signed for that bucket's region", async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ headers }) =>
      headers['authorization']?.includes('/site-2/') === true ? STORED : OF_SITE_2,
    );
    await s3.send(put());
    expect(sent).toHaveLength(2);
  });

  it('for a region that others have learned meanwhile is signed again as well', async () => {
    // The second leaves a little later each time: in some turn, its answer is read when the first has learned.
    for (let turns = 0; turns < 60; turns++) {
      const { s3 } = client('https://s3.corp.example', ({ headers }) =>
        headers['authorization']?.includes('/site-2/') === true ? STORED : OF_SITE_2,
      );
      const first = s3.send(put());
      for (let turn = 0; turn < turns; turn++) await new Promise((next) => process.nextTick(next));
      await expect(s3.send(put())).resolves.toMatchObject({ ETag: '"e"' });
      await first;
    }
  });

  it('for another region is followed by direct writes', async () => {
    const { s3, sent } = client('https://s3.corp.example', ({ headers }) =>
      headers['authorization']?.includes('/site-2/') === true ? STORED : OF_SITE_2,
    );
    const writer = createItemWrites(s3);
    const write = (key: string) =>
      writer.write({
        item: { key, text: 'x' },
        destination: { bucket: 'bucket', key },
        ifExists: 'overwrite',
      });
    await Promise.all(['a', 'b', 'c'].map(write));
    const before = sent.length;
    await write('d');
    expect(sent).toHaveLength(before + 1);
  });

  it('of another kind stays what it is', async () => {
    const { s3 } = client('https://s3.corp.example', () => ({
      statusCode: 400,
      text: '<Error><Code>InvalidArgument</Code><Message>no</Message><Region>site-2</Region></Error>',
    }));
    await expect(s3.send(put())).rejects.toMatchObject({ name: 'InvalidArgument', message: 'no' });
  });
});
