// What the environment says of proxies, as Node's agents are given it.
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connect, connectionOf, fetchProxyOf } from '../../cli/s3/connection.ts';
import { codePoint } from '../helpers/outside-values.ts';

const PROXY = 'http://proxy.example:3128';

/** This machine itself, which is never asked through a proxy. */
const OWN = 'localhost,127.0.0.0-127.255.255.255,::1,[::1]';

/** The first that takes proxies. */
const NODE = '24.5.0';

describe('proxies', () => {
  it('need a Node that takes them, and say so', () => {
    expect(() => connectionOf({ HTTP_PROXY: PROXY }, '24.0.0')).toThrow(
      /Node 24\.0\.0 can't use one: install Node 24\.5/,
    );
    expect(connectionOf({}, '24.0.0')).toEqual({});
  });

  it.each([
    { env: {}, proxyEnv: undefined },
    { env: { HTTP_PROXY: ' ', https_proxy: '' }, proxyEnv: undefined },
    { env: { HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: PROXY } },
    { env: { HTTP_PROXY: 'proxy.example:3128' }, proxyEnv: { http_proxy: PROXY } },
    { env: { http_proxy: 'http://lower', HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: 'http://lower' } },
    { env: { http_proxy: '', HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: PROXY } },
    { env: { HTTP_PROXY: 'HTTP://proxy.example:3128' }, proxyEnv: { http_proxy: PROXY } },
    { env: { HTTPS_PROXY: 'https://secure:443' }, proxyEnv: { https_proxy: 'https://secure:443' } },
  ])('of $env are $proxyEnv', ({ env, proxyEnv }) => {
    const found = connectionOf(env, NODE).proxyEnv;
    if (proxyEnv === undefined) expect(found).toBeUndefined();
    else expect(found).toEqual({ ...proxyEnv, no_proxy: expect.any(String) });
  });

  // Node's agents take names for themselves alone, suffixes with a dot, and ranges of addresses.
  it.each([
    { noProxy: '', given: '' },
    { noProxy: '*', given: ',*' },
    { noProxy: 'corp.example', given: ',.corp.example' },
    { noProxy: '.corp.example', given: ',.corp.example' },
    { noProxy: '*.corp.example', given: ',*.corp.example' },
    { noProxy: 'corp.example:8443', given: ',corp.example:8443' },
    { noProxy: 'a.example, b.example  c', given: ',.a.example,.b.example,.c' },
    { noProxy: '10.1.2.3', given: ',10.1.2.3' },
    { noProxy: '10.1.2.3-10.1.2.9', given: ',10.1.2.3-10.1.2.9' },
    { noProxy: 'fd00::1', given: ',fd00::1' },
    { noProxy: '10.0.0.0/8', given: ',10.0.0.0-10.255.255.255' },
    { noProxy: '192.168.1.77/28', given: ',192.168.1.64-192.168.1.79' },
    { noProxy: '0.0.0.0/0', given: ',0.0.0.0-255.255.255.255' },
    { noProxy: '10.0.0.0/33', given: ',10.0.0.0/33' },
    { noProxy: '300.0.0.0/8', given: ',300.0.0.0/8' },
  ])('are passed by for the hosts of "$noProxy"', ({ noProxy, given }) => {
    const { proxyEnv } = connectionOf({ HTTP_PROXY: PROXY, NO_PROXY: noProxy }, NODE);
    expect(proxyEnv?.['no_proxy']).toBe(OWN + given);
  });

  it.each([
    { what: 'a percent sign of its own', password: 'secret%', message: 'write % as %25' },
    { what: 'bytes that are no text', password: 'secret%ff', message: 'write % as %25' },
    { what: 'a line feed', password: 'sec\nret', message: 'is no address of a proxy' },
  ])('are refused by name where the password holds $what', ({ password, message }) => {
    const refused = () => connectionOf({ HTTPS_PROXY: `http://user:${password}@proxy.example` }, NODE);
    expect(refused).toThrow(message);
    expect(refused).toThrow(/^HTTPS_PROXY (?!.*ret)/);
  });

  // fetch knows names only. Agents know all of these.
  it.each([
    { api: 'http://api.example', noProxy: '', isAsked: true },
    { api: 'https://api.example', noProxy: '', isAsked: true },
    { api: 'http://127.0.0.1:4580', noProxy: '', isAsked: false },
    { api: 'http://127.8.9.1:4580', noProxy: '', isAsked: false },
    { api: 'http://localhost:4580', noProxy: '', isAsked: false },
    { api: 'http://[::1]:4580', noProxy: '', isAsked: false },
    { api: 'http://api.example', noProxy: 'other.example,*', isAsked: false },
    { api: 'http://API.corp.example', noProxy: 'Corp.example', isAsked: false },
    { api: 'http://corp.example', noProxy: '.corp.example', isAsked: false },
    { api: 'http://api.corp.example', noProxy: '*.corp.example', isAsked: false },
    { api: 'http://badcorp.example', noProxy: 'corp.example', isAsked: true },
    { api: 'https://api.example', noProxy: 'api.example:443', isAsked: false },
    { api: 'https://api.example:8443', noProxy: 'api.example:443', isAsked: true },
    { api: 'http://10.20.30.40', noProxy: '10.0.0.0/8', isAsked: false },
    { api: 'http://11.20.30.40', noProxy: '10.0.0.0/8', isAsked: true },
    { api: 'http://10-a.example', noProxy: '10.0.0.0/8', isAsked: true },
  ])('are asked for the API at $api beside "$noProxy": $isAsked', ({ api, noProxy, isAsked }) => {
    const connection = connectionOf({ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: noProxy }, NODE);
    const name = api.startsWith('https:') ? 'https_proxy' : 'http_proxy';
    const expected = isAsked ? { [name]: PROXY, no_proxy: expect.any(String) } : undefined;
    expect(fetchProxyOf(connection, api)).toEqual(expected);
  });

  it('of http are not asked for an API of https', () => {
    expect(fetchProxyOf(connectionOf({ HTTP_PROXY: PROXY }, NODE), 'https://api.example')).toBeUndefined();
    expect(fetchProxyOf(connectionOf({}, NODE), 'https://api.example')).toBeUndefined();
  });

  it('never show what is in their address', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), (text) => {
        try {
          connectionOf({ HTTPS_PROXY: `secret${text}` }, NODE);
        } catch (error) {
          expect(String(error)).not.toContain('secret');
        }
      }),
    );
  });
});

describe('authorities', () => {
  it('are trusted by the process, and are no part of the name of a connection', () => {
    const file = fileURLToPath(new URL('../integration/fixtures/test-only-certificate.pem', import.meta.url));
    const before = tls.getCACertificates('default');
    try {
      expect(connect({ AWS_CA_BUNDLE: file })).toEqual({});
      expect(tls.getCACertificates('default')).toHaveLength(1 + tls.getCACertificates('extra').length);
    } finally {
      tls.setDefaultCACertificates(before);
    }
  });
});
