// Requests of returned deliveries: kept by the worker until an outcome file of their slice is written anyway.
import { describe, expect, it } from 'vitest';
import { accountFor } from '../../shared/report/account.ts';
import type { OutcomeRecord } from '../../shared/report/outcome.ts';
import { createReturnedAttempts } from '../../shared/report/returned-attempts.ts';
import { JOB_ID } from '../helpers/records.ts';

const row = (slice: number, number: number, block = 0) => ({ job: JOB_ID, slice, block, number });

describe('requests of returned deliveries', () => {
  it('adds up those of a row, and gives them out once', () => {
    const kept = createReturnedAttempts();
    kept.add(row(0, 1), { attempts: 2, throttled: 1 });
    kept.add(row(0, 1), { attempts: 3, throttled: 3 });
    kept.add(row(0, 1, 7), { attempts: 1, throttled: 0 });
    kept.add(row(1, 1), { attempts: 8, throttled: 8 });
    expect(kept.take(row(0, 0))).toEqual([
      { block: 0, number: 1, status: 'returned', attempts: 5, throttled: 4 },
      { block: 7, number: 1, status: 'returned', attempts: 1, throttled: 0 },
    ]);
    expect(kept.take(row(0, 0))).toEqual([]);
    expect(kept.take(row(1, 0))).toHaveLength(1);
  });

  it('forgets the slice that was touched first where there are too many rows', () => {
    const kept = createReturnedAttempts(2);
    kept.add(row(0, 0), { attempts: 1, throttled: 1 });
    kept.add(row(1, 0), { attempts: 1, throttled: 1 });
    kept.add(row(2, 0), { attempts: 1, throttled: 1 });
    expect([0, 1, 2].map((slice) => kept.take(row(slice, 0)).length)).toEqual([0, 1, 1]);
    kept.add(row(3, 0), { attempts: 1, throttled: 1 });
    expect(kept.take(row(3, 0))).toHaveLength(1);
  });

  it.each([
    {
      title: 'are written with the outcomes of their slice, and no file is written for them alone',
      fails: false,
    },
    { title: 'are not written twice where the answer to the first writing was lost', fails: true },
  ])('$title', async ({ fails }) => {
    const written: OutcomeRecord[][] = [];
    const returnedAttempts = createReturnedAttempts();
    returnedAttempts.add(row(0, 3), { attempts: 2, throttled: 2 });
    returnedAttempts.add(row(1, 3), { attempts: 2, throttled: 2 });
    const dependencies = {
      outcomes: {
        write: async (_slice: unknown, _name: string, records: readonly OutcomeRecord[]) => {
          written.push([...records]);
          if (fails) throw new Error('no answer');
        },
        list: async () => [],
        read: async () => new Uint8Array(),
      },
      ledger: { recordEnds: async () => 'in time' as const },
      returnedAttempts,
    };
    const ended = [{ id: row(0, 0), outcome: { status: 'stored' as const, line: 2 } }];
    await accountFor(dependencies, ended, 'a');
    await accountFor(dependencies, ended, 'b');
    const statuses = written.map((records) => records.map(({ status }) => status));
    expect(statuses).toEqual([['stored', 'returned'], ['stored']]);
    expect(returnedAttempts.take(row(1, 0))).toHaveLength(1);
  });
});
