// Rows whose source is an URL: which are good, what is wrong with the others, and that no message holds what signs one.
import { describe, expect, it } from 'vitest';
import { parseItem } from '../../shared/manifest/columns.ts';
import { checkSource } from '../../shared/sources/table.ts';

const parse = (source: string, more = {}) => parseItem({ key: 'k', source, ...more });

describe('a row with an URL', () => {
  it.each([
    { key: 'k', source: ' https://files.example.com/a?token=secret' },
    { key: 'k', source: 'ftp://files.example.com/a?token=secret' },
    { key: 'k', source: 'ftp://name:sec?secret@files.example.com/a' },
    { key: 'k', text: '', 'https://files.example.com/a?token=secret': 'k' },
  ])('shows no query where it is not known as one: %j', (row) => {
    const parsed = parseItem(row);
    expect(parsed).toMatchObject({ kind: 'bad' });
    expect(JSON.stringify(parsed)).toContain('files.example.com/a');
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });

  it.each([
    'https://files.example.com/a/b.jpg',
    'https://files.example.com',
    'HTTPS://FILES.example.com/a',
    'https://files.example.com:443/a',
    'https://bucket.s3.amazonaws.com/a%20b?X-Amz-Signature=0af3&X-Amz-Expires=60',
    'https://bücher.example/größe',
    'https://files.example.com/@types/a:b',
  ])('is good: %s', (source) => {
    expect(parse(source, { size: 3, source_etag: '"e"' })).toMatchObject({ kind: 'good', item: { source } });
  });

  it.each([
    ['http://files.example.com/a', 'UrlNotHttps', 'only https is read'],
    [`https://files.example.com/${'a'.repeat(8_000)}`, 'UrlTooLong', '8000'],
    ['https://name:secret@files.example.com/a', 'UrlHasCredentials', 'remove it'],
    ['https://name@files.example.com/a', 'UrlHasCredentials', 'remove it'],
    ['https://@files.example.com/a', 'UrlHasCredentials', 'remove it'],
    ['https://files.example.com/a#secret', 'UrlHasFragment', '%23'],
    ['https://files.example.com:8443/a?secret', 'UrlPort', 'port 8443'],
    ['https://files.example.com:80/a?secret', 'UrlPort', 'port 80'],
    ['https://127.0.0.1/a?secret', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://127.1/a', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://0x7f.1/a', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://2130706433/a', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://0177.0.0.1/a', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://[::1]/a', 'UrlHostIsAddress', '[::1]'],
    ['https://①②⑦.0.0.1/a', 'UrlHostIsAddress', '127.0.0.1'],
    ['https://files.example.com./a', 'UrlHostInvalid', 'remove the dot'],
    ['https://localhost/a', 'UrlHostInvalid', 'is no name'],
    ['https://a_b.example.com/a', 'UrlHostInvalid', 'is no name'],
    ['https://-a.example.com/a', 'UrlHostInvalid', 'is no name'],
    ['https:///a?secret', 'UrlInvalid', 'https:// and a host'],
    ['https:files.example.com', 'UrlInvalid', 'https:// and a host'],
    ['https://?secret', 'UrlInvalid', 'no valid host'],
    ['https://files.example.com:port/', 'UrlInvalid', 'no valid host or port'],
    ['https://files.example.com/a b?secret', 'UrlInvalid', 'percent-encode'],
    ['https://files.example.com/a\tb', 'UrlInvalid', 'percent-encode'],
    ['https://files.example.com\\@evil.net/', 'UrlInvalid', 'backslash'],
    ['ftp://files.example.com/a?X-Amz-Signature=secret', 'SourceInvalid', 'nor an https:// URL'],
    ['//files.example.com/a', 'SourceInvalid', 'nor an https:// URL'],
  ])('is bad: %s', (source, code, message) => {
    const parsed = parse(source);
    expect(parsed).toMatchObject({
      kind: 'bad',
      faults: [{ code, message: expect.stringContaining(message) }],
    });
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });

  it('has no version, and an ETag only where it has a source', () => {
    expect(parse('https://files.example.com/a', { source_version: 'v' })).toMatchObject({
      faults: [{ code: 'VersionInvalid', message: expect.stringContaining('remove it') }],
    });
    expect(parseItem({ key: 'k', text: 't', source_etag: 'e' })).toMatchObject({
      faults: [{ code: 'SourceEtagInvalid' }],
    });
    expect(parse('https://files.example.com/a', { source_etag: 'W/"e"' })).toMatchObject({
      faults: [{ code: 'SourceEtagInvalid', message: expect.stringContaining('without W/') }],
    });
  });
});

it('can not take the storage class of a source that has none', () => {
  expect(parse('https://files.example.com/a', { storage_class: 'source' })).toMatchObject({
    faults: [{ code: 'StorageClassInvalid', message: expect.stringContaining('name it') }],
  });
});

describe('a host', () => {
  const item = { key: 'k', source: 'https://Files.Example.com/a?sig=secret' };

  it('is allowed by name or pattern', () => {
    expect(checkSource(item, { buckets: [], hosts: ['files.example.com'] })).toBeUndefined();
    expect(checkSource(item, { buckets: [], hosts: ['*.example.com'] })).toBeUndefined();
    const international = { key: 'k', source: 'https://bücher.example/a' };
    expect(checkSource(international, { buckets: [], hosts: ['xn--bcher-kva.example'] })).toBeUndefined();
  });

  it.each([[undefined], [[]], [['example.com']], [['other.example.com']]])(
    'is not allowed by %j',
    (hosts) => {
      const refusal = checkSource(item, {
        buckets: ['files.example.com'],
        ...(hosts === undefined ? {} : { hosts }),
      });
      expect(refusal).toEqual({
        code: 'SourceNotAllowed',
        message: `host "files.example.com" is not allowed: add it to the deployment's parameter sourceHosts`,
      });
    },
  );
});
