// Credentials in addresses and signed URLs: hidden wherever a text is printed, logged or kept.
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertEndpoint, assertNoUserInfo } from '../../cli/address.ts';
import { addApiOptions } from '../../cli/api/options.ts';
import { httpAddress } from '../../cli/arguments.ts';
import { boundedField } from '../../functions/runtime/telemetry.ts';
import { describeAnswer } from '../../shared/aws/answer.ts';
import { classifyFault } from '../../shared/aws/classify.ts';
import { parseItem } from '../../shared/manifest/columns.ts';
import { boundedText } from '../../shared/text/bounded.ts';
import { redacted, redactedAddress, redactedUrl } from '../../shared/text/redacted.ts';

const SECRET = 's3cret';

describe('a text without its credentials', () => {
  it.each([
    ['https://me:s3cret@host:8080/a', 'https://***@host:8080/a'],
    ['https://s3cret@host', 'https://***@host'],
    ['https://:s3cret@host', 'https://***@host'],
    ['https://me:a@s3cret@host', 'https://***@host'],
    ['https://me:a/s3cret@host', 'https://***@host'],
    ['https://me:1234s3cret?#@host', 'https://***@host'],
    ["value 'http://me:s3cret@host/' from env", "value 'http://***@host/' from env"],
    ['http://a:s3cret@b and ftp://c:s3cret@d', 'http://***@b and ftp://***@d'],
    [
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=s3cret%2Fus-east-1&X-Amz-Date=1&X-Amz-Signature=s3cret',
      'https://b.s3.amazonaws.com/k?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=***',
    ],
    ['?x-amz-security-token=s3cret&a=b', '?x-amz-security-token=***&a=b'],
    ['?AWSAccessKeyId=s3cret&Signature=s3cret&Expires=1', '?AWSAccessKeyId=***&Signature=***&Expires=1'],
    ['?X-Goog-Signature=s3cret', '?X-Goog-Signature=***'],
    [
      'next=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Ds3cret',
      'next=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3D***',
    ],
    [
      'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=s3cret',
      'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=***',
    ],
    ['next=HTTPS%3a%2f%2fme%3As3cret%40host%2Fx', 'next=HTTPS%3A%2F%2F***%40host%2Fx'],
    ['x-amz-security-token: s3cret/+==, host: h', 'x-amz-security-token: ***, host: h'],
    ['{"X-Amz-Security-Token":"s3cret","a":1}', '{"X-Amz-Security-Token":"***","a":1}'],
  ])('%s', (text, shown) => {
    expect(redacted(text)).toBe(shown);
  });

  it.each([
    's3://bucket/@types/node/index.d.ts',
    'http://127.0.0.1:4566/@scope and http://[::1]:4566/a@b',
    'file:///C:/photos/a@b.jpg',
    'mail to someone@example.com about https://example.com/',
    'SignatureDoesNotMatch: the signature = what you sent',
    's3%3A%2F%2Fbucket%2F%40types%2Fnode and a%40b',
    '',
  ])('is the same where it holds none: %s', (text) => {
    expect(redacted(text)).toBe(text);
  });

  it('does not change when credentials are taken out again, and never holds a password', () => {
    const password = fc
      .string({ minLength: 8, maxLength: 40 })
      .map((text) => text.replaceAll(/[\s@/?#]/g, '_'));
    fc.assert(
      fc.property(password, fc.string(), (secret, tail) => {
        const shown = redacted(`see https://me:${secret}@host/x ${tail}`);
        expect(shown.startsWith('see https://***@host/x')).toBe(true);
        expect(redacted(shown)).toBe(shown);
      }),
    );
  });

  it.each(['user:s3cret@host:80', 'me:a/b?s3cret@host:80', 'https:/me:s3cret@host:80'])(
    'as an address hides all before the last @: %s',
    (address) => {
      expect(redactedAddress(address)).toMatch(/^(https:\/)?\*\*\*@host:80$/);
    },
  );
});

describe('what is kept, logged and answered', () => {
  const URLS = [`https://me:${SECRET}@host/x`, `https://b/k?X-Amz-Signature=${SECRET}`];

  it.each(URLS)('holds no credentials of %s', (url) => {
    const fault = classifyFault(Object.assign(new Error(`Invalid proxy URL: ${url}`), { name: 'Error' }));
    const row = parseItem({ key: 'k', source: url });
    const unknown = parseItem({ key: 'k', text: 'x', [url]: 'x' });
    const answer = { host: 'h', status: 200, headers: {}, text: `moved to ${url}`, isWhole: true };
    const told = [
      fault.message,
      row,
      unknown,
      boundedField('stack', `Error: ${url}\n at x`),
      describeAnswer(answer),
    ];
    expect(JSON.stringify(told)).not.toContain(SECRET);
    expect(JSON.stringify(told).split('***').length).toBeGreaterThan(told.length);
  });

  it('takes them out before a text is cut', () => {
    const url = `https://me:${'p'.repeat(100)}${SECRET}@host/`;
    expect(boundedText(url, 60)).toBe('https://***@host/');
    const row = parseItem({ key: 'k', source: `https://${'p'.repeat(300)}@host/` });
    expect(JSON.stringify(row)).toContain('https://***@host/');
  });
});

describe('an address of an option or a variable', () => {
  const ADDRESSES = [
    `https://me:${SECRET}@host`,
    `https://:${SECRET}@host`,
    `https://${SECRET}@host`,
    `https://me:12/${SECRET}@host`,
    `me:${SECRET}@host:80`,
    `https://me:${SECRET}%40host`,
  ];

  it.each(ADDRESSES)('is refused with a user name or a password, which is not shown: %s', (address) => {
    const told: string[] = [];
    const program = new Command()
      .exitOverride()
      .configureOutput({ writeErr: (text) => void told.push(text) });
    addApiOptions(program);
    const refusals = [
      () => program.parse(['--api', address], { from: 'user' }),
      () => httpAddress(address),
      () => assertEndpoint(address, { AWS_ENDPOINT_URL: address }),
      () => assertNoUserInfo(address, 'it'),
    ];
    for (const refuse of refusals) {
      expect(refuse).toThrow(/without user name and password, and .*\*\*\*@.* requests are signed/);
      expect(refuse).not.toThrow(SECRET);
    }
    expect(told).toEqual([]);
  });

  it.each([
    { from: 'AWS_ENDPOINT_URL_S3', env: { AWS_ENDPOINT_URL_S3: 'localhost:9000' } },
    { from: 'AWS_ENDPOINT_URL', env: { AWS_ENDPOINT_URL: 'localhost:9000' } },
    { from: "the profile's endpoint_url", env: {} },
  ])('that is none is refused by the name of $from', ({ from, env }) => {
    expect(() => assertEndpoint('localhost:9000', env)).toThrow(
      `${from} takes an address such as http://127.0.0.1:4566, not "localhost:9000"`,
    );
  });
});

describe('an URL that a row names', () => {
  it.each([
    ['https://files.example.com/a/b', 'https://files.example.com/a/b'],
    ['https://files.example.com/@types/a', 'https://files.example.com/@types/a'],
    ['https://files.example.com/a?X-Amz-Signature=0af3&x=1', 'https://files.example.com/a?***'],
    ['https://x.blob.example.net/a?sp=r&sig=0af3', 'https://x.blob.example.net/a?***'],
    ['https://files.example.com/a?token=0af3#b?c', 'https://files.example.com/a?***'],
    ['https://name:secret@files.example.com/a', 'https://***@files.example.com/a'],
  ])('is shown without its query: %s', (url, shown) => {
    expect(redactedUrl(url)).toBe(shown);
  });
});
