// When credentials that S3 refuses end a run of `put`, and when not.
import { describe, expect, it, vi } from 'vitest';
import { type EndFault, watchCredentials } from '../../cli/put/credentials.ts';
import type { Fault } from '../../shared/aws/classify.ts';
import type { Clock } from '../../shared/time/clock.ts';

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

const STATIC: Keys = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' };
const EXPIRED: Fault = {
  kind: 'transient',
  code: 'ExpiredToken',
  message: 'The provided token has expired.',
};

function fixture(renew: (times: number) => Keys, first: Keys = STATIC, env: Record<string, string> = {}) {
  let nowMs = 0;
  let renewed = 0;
  const ends: EndFault[] = [];
  const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
  let current = first;
  const watch = watchCredentials({
    credentials: async (options?: { forceRefresh?: boolean }) => {
      if (options?.forceRefresh === true) current = renew(++renewed);
      return current;
    },
    env,
    clock,
    onEnd: (why) => ends.push(why),
  });
  return {
    watch,
    ends,
    renewed: () => renewed,
    async refusedAt(ms: number, fault = EXPIRED) {
      nowMs = ms;
      watch.onFault(fault);
      await vi.waitFor(() => Promise.resolve());
      for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    },
  };
}

describe('credentials that S3 calls expired', () => {
  it('end the run at once where they can not be renewed', async () => {
    const { ends, refusedAt } = fixture(() => STATIC);
    await refusedAt(0);
    expect(ends).toEqual([{ code: 'ExpiredToken', message: 'The provided token has expired.' }]);
  });

  it('end the run at once where they are of the environment, which says when they end', async () => {
    const keys = { ...STATIC, expiration: new Date(0) };
    const { ends, refusedAt } = fixture(() => keys, keys, { AWS_ACCESS_KEY_ID: 'A' });
    await refusedAt(0);
    expect(ends).toHaveLength(1);
  });

  it('are asked for again where a provider still gives the old ones', async () => {
    const keys = { ...STATIC, expiration: new Date(0) };
    const { ends, refusedAt } = fixture(() => keys, keys, { AWS_ACCESS_KEY_ID: 'other' });
    for (const ms of [0, 15_000, 29_000]) await refusedAt(ms);
    expect(ends).toHaveLength(0);
    await refusedAt(31_000);
    expect(ends).toHaveLength(1);
  });

  it('end it once, however many requests meet it', async () => {
    const { ends, refusedAt } = fixture(() => STATIC);
    for (const ms of [0, 1, 2_000, 60_000]) await refusedAt(ms);
    expect(ends).toHaveLength(1);
  });

  it('are renewed where their provider can', async () => {
    const { ends, refusedAt, watch, renewed } = fixture((times) => ({
      ...STATIC,
      sessionToken: `T${times}`,
    }));
    await refusedAt(0);
    watch.onTaken();
    await refusedAt(3_600_000);
    watch.onTaken();
    await refusedAt(7_200_000);
    expect(ends).toEqual([]);
    expect(renewed()).toBe(3);
  });

  it('end it where the renewed ones are refused for half a minute as well', async () => {
    const expiration = new Date(1e15);
    const { ends, refusedAt } = fixture(() => ({ ...STATIC, expiration }), { ...STATIC, expiration });
    for (const ms of [0, 10_000, 29_999]) await refusedAt(ms);
    expect(ends).toEqual([]);
    await refusedAt(31_000);
    expect(ends).toHaveLength(1);
  });

  it("end it with the provider's own words where it has none to give", async () => {
    const { ends, refusedAt } = fixture(() => {
      throw new Error('the SSO session has expired: run aws sso login');
    });
    await refusedAt(0);
    await refusedAt(15_000);
    expect(ends).toEqual([]);
    await refusedAt(30_000);
    expect(ends).toMatchObject([{ message: expect.stringContaining('run aws sso login') }]);
  });

  it('ask the provider once a second at most', async () => {
    const { refusedAt, renewed } = fixture((times) => ({ ...STATIC, sessionToken: `T${times}` }));
    for (let ms = 0; ms < 1_000; ms += 10) await refusedAt(ms);
    expect(renewed()).toBe(1);
  });
});

it.each(['SlowDown', 'AccessDenied', 'InternalError'])('%s says nothing of credentials', async (code) => {
  const { ends, refusedAt, renewed } = fixture(() => STATIC);
  await refusedAt(0, { kind: 'permanent', code, message: 'no' });
  expect(ends).toEqual([]);
  expect(renewed()).toBe(0);
});
