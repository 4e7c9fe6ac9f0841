// Every end of a job is counted once, and rows that nothing accounts for are counted wherever their job ends.
import { describe, expect, it } from 'vitest';
import { countedEnds } from '../../functions/runtime/counted-ends.ts';
import { LOG } from '../../functions/runtime/log-messages.ts';
import type { Telemetry } from '../../functions/runtime/telemetry.ts';
import type { JobId } from '../../shared/job/identity.ts';
import { type EndedJob, emptyTotals } from '../../shared/job/job.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';

const ID = 'a1b2c3d4e5f60718293a' as JobId;
const endedAs = (state: 'failed' | 'completed', totals: Partial<EndedJob['totals']>) =>
  ({ id: ID, state, totals: { ...emptyTotals(), ...totals }, report: 's3://reports/r' }) as EndedJob;

async function count(ended: EndedJob | undefined) {
  const seen: { counted: unknown[]; lines: [string, unknown][] } = { counted: [], lines: [] };
  const line = (level: string) => (message: unknown) => void seen.lines.push([level, message]);
  const telemetry = {
    logger: { info: line('info'), warn: line('warn'), error: line('error') },
    count: (values: unknown) => void seen.counted.push(values),
  } as unknown as Telemetry;
  const ledger = countedEnds<Pick<Ledger, 'endJob'>>({ endJob: async () => ended }, telemetry);
  expect(await ledger.endJob(ID, {} as never)).toBe(ended);
  return seen;
}

describe('the end of a job', () => {
  it('with rows that nothing accounts for raises its metric, and is logged as an error', async () => {
    const { counted, lines } = await count(endedAs('failed', { rows: 100, stored: 60 }));
    expect(counted).toEqual([{ JobsFailed: 1, RowsUnaccounted: 40 }]);
    expect(lines).toEqual([['error', LOG.jobEndedUnaccounted]]);
  });

  it('with all rows accounted for counts none', async () => {
    const { counted, lines } = await count(endedAs('completed', { rows: 100, stored: 90, rejected: 10 }));
    expect(counted).toEqual([{ RowsUnaccounted: 0 }]);
    expect(lines).toEqual([['info', LOG.jobEnded]]);
  });

  it('counts nothing where another delivery has ended it', async () => {
    expect(await count(undefined)).toEqual({ counted: [], lines: [] });
  });
});
