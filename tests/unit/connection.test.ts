// What the environment says of proxies, as Node's agents are given it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectionOf } from '../../cli/s3/connection.ts';

const PROXY = 'http://proxy.example:3128';

/** This machine itself, which is never asked through a proxy. */
const OWN = 'localhost,127.0.0.0-127.255.255.255,::1,[::1]';

describe('proxies', () => {
  it.each([
    { env: {}, proxyEnv: undefined },
    { env: { HTTP_PROXY: ' ', https_proxy: '' }, proxyEnv: undefined },
    { env: { HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: PROXY } },
    { env: { HTTP_PROXY: 'proxy.example:3128' }, proxyEnv: { http_proxy: PROXY } },
    { env: { http_proxy: 'http://lower', HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: 'http://lower' } },
    { env: { http_proxy: '', HTTP_PROXY: PROXY }, proxyEnv: { http_proxy: PROXY } },
    { env: { HTTPS_PROXY: 'https://secure:443' }, proxyEnv: { https_proxy: 'https://secure:443' } },
  ])('of $env are $proxyEnv', ({ env, proxyEnv }) => {
    const found = connectionOf(env).proxyEnv;
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
    const { proxyEnv } = connectionOf({ HTTP_PROXY: PROXY, NO_PROXY: noProxy });
    expect(proxyEnv?.['no_proxy']).toBe(OWN + given);
  });

  it('never show what is in their address', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          connectionOf({ HTTPS_PROXY: `secret${text}` });
        } catch (error) {
          expect(String(error)).not.toContain('secret');
        }
      }),
    );
  });
});
