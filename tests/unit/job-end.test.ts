// What `up` says of the events on the bus: each job's end once, and what is no end of a job without an end of its own.
import { describe, expect, it } from 'vitest';
import { readJobEvents } from '../../cli/job-end.ts';
import { createReporter } from '../../cli/up/run.ts';
import type { EventBridgeEntry } from '../../local/aws/eventbridge/event-bus.ts';
import { JOB_ID } from '../helpers/records.ts';

const GOOD = {
  job: JOB_ID,
  state: 'completed',
  manifest: { bucket: 'inbox', key: 'm.csv' },
  rows: 2,
  stored: 2,
};

let ids = 0;
function event(detail: unknown, source = 'spillway'): EventBridgeEntry {
  ids += 1;
  return {
    id: `event-${ids}`,
    time: '2026-11-26T00:00:00.000Z',
    eventBusName: 'default',
    source,
    detailType: 'Spillway Job Completed',
    detail,
    resources: [],
  };
}

const MALFORMED: [string, unknown][] = [
  ['nothing in it', {}],
  ['no manifest', { ...GOOD, manifest: undefined }],
  ['a manifest that is null', { ...GOOD, manifest: null }],
  ['a job that is a list', { ...GOOD, job: [JOB_ID] }],
  ['a state of another kind', { ...GOOD, state: 'running' }],
  ['counts that are text', { ...GOOD, rows: 'two' }],
  ['counts below zero', { ...GOOD, failed: -1 }],
  ['a fault that is text', { ...GOOD, fault: 'broken' }],
  ['a report that is a number', { ...GOOD, report: 7 }],
];

describe('a malformed event', () => {
  it.each(MALFORMED)('with %s is said to be one, and the reporting goes on', (_what, detail) => {
    const events = [event(detail)];
    const said: string[] = [];
    const report = createReporter({ events: () => events }, (text) => void said.push(String(text)));
    report();
    events.push(event(GOOD));
    report();
    report();
    expect(said).toEqual([
      expect.stringMatching(/^Event event-\d+ shows no job's end: \S/),
      expect.stringContaining(`${JOB_ID} completed: m.csv: 2 rows, 2 stored`),
    ]);
  });

  it('does not stand for the true end of the job that it names', () => {
    const events = [event({ ...GOOD, rows: 'two' }), event(GOOD)];
    const { ends, malformed } = readJobEvents({ events: () => events });
    expect([ends.length, malformed.length]).toEqual([1, 1]);
  });

  it('is shown a few times, however many come', () => {
    const events = Array.from({ length: 500 }, () => event({}));
    const said: string[] = [];
    createReporter({ events: () => events }, (text) => void said.push(String(text)))();
    expect(said).toHaveLength(11);
  });

  it('of another source is none of ours', () => {
    expect(readJobEvents({ events: () => [event({}, 'else')] })).toEqual({ ends: [], malformed: [] });
  });
});

it('a job’s end is shown bounded and escaped', () => {
  const key = `\u001b[2J${'k'.repeat(5_000)}`;
  const said: string[] = [];
  const events = [event({ ...GOOD, manifest: { bucket: 'b', key } })];
  createReporter({ events: () => events }, (text) => void said.push(String(text)))();
  expect(said[0]).not.toContain('\u001b');
  expect(said[0]?.length).toBeLessThan(2_000);
});
