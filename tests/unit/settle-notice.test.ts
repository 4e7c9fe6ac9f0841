// Who tells settle of a closed slice, and how often.
import { describe, expect, it } from 'vitest';
import type { JobId, SliceId } from '../../shared/job/identity.ts';
import { createClosingNotice } from '../../shared/queue/settle-notice.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const slice = (number: number): SliceId => ({ job: 'job-0001' as JobId, slice: number });

function start() {
  const clock = createVirtualClock();
  const told: number[] = [];
  const faults: Error[] = [];
  const tell = createClosingNotice(async (of) => {
    const fault = faults.shift();
    if (fault !== undefined) throw fault;
    told.push(of.slice ?? -1);
  }, clock);
  return { clock, told, faults, tell };
}

describe('a worker', () => {
  it('notifies of a closed slice once in half a minute, however often it finds it closed', async () => {
    const { clock, told, tell } = start();
    for (let found = 0; found < 5; found++) await tell(slice(1));
    await tell(slice(2));
    expect(told).toEqual([1, 2]);
    clock.advance(29_999);
    await tell(slice(1));
    expect(told).toEqual([1, 2]);
    clock.advance(1);
    await tell(slice(1));
    expect(told).toEqual([1, 2, 1]);
  });

  it('notifies of it again at once where sending failed', async () => {
    const { told, faults, tell } = start();
    faults.push(new Error('SQS is gone'));
    await expect(tell(slice(1))).rejects.toThrow('SQS is gone');
    await tell(slice(1));
    expect(told).toEqual([1]);
  });

  it('forgets the oldest of very many, and notifies of it again', async () => {
    const { told, tell } = start();
    for (let number = 0; number <= 1_000; number++) await tell(slice(number));
    await tell(slice(0));
    await tell(slice(1_000));
    expect(told).toHaveLength(1_002);
  });

  it('is not silenced by a clock that was set back', async () => {
    const { clock, told, tell } = start();
    await tell(slice(1));
    clock.advance(-60_000);
    await tell(slice(1));
    expect(told).toEqual([1, 1]);
  });
});
