// Each alarm is raised in its own case, and in no other: also where some of its series were never published.
import { describe, expect, it } from 'vitest';
import { alarmTable } from '../../infrastructure/alarms.js';
import { evaluateMath, READINGS } from '../helpers/metric-math.ts';

const ALARMS = alarmTable('spillway-dev', { oldestMessageSeconds: 21_600 });

type Points = Readonly<Record<string, number>>;

interface Cases {
  /** Periods that raise the alarm. What is not given has no point. */
  raised: Points[];
  /** Periods that do not. */
  quiet: Points[];
}

const above = (id: string, value: number): Cases => ({
  raised: [{ [id]: value + 1 }],
  quiet: [{}, { [id]: 0 }, { [id]: value }],
});
const standstill: Cases = {
  raised: [{ age: 21_601 }, { age: 21_601, p0: 0 }],
  quiet: [{}, { age: 21_600 }, { age: 21_601, p0: 1 }, { age: 90_000, p0: 1_000_000_000 }, { p0: 5 }],
};
const threeProgress: Cases = { ...standstill, quiet: [...standstill.quiet, { age: 21_601, p2: 1 }] };
const anyOf = (...ids: string[]): Cases => ({
  raised: ids.map((id) => ({ [id]: 1 })),
  quiet: [{}, ...ids.map((id) => ({ [id]: 0 }))],
});

const CASES: Record<string, Cases> = {
  DeadLettersFlaggedAlarm: above('flagged', 0),
  UnhandledDeadLettersAlarm: above('failed', 0),
  DeadLettersWaitAlarm: {
    raised: [{ waiting: 1 }, { waiting: 1, handled: 0 }, { waiting: 90_000 }],
    quiet: [{}, { waiting: 0 }, { waiting: 0, handled: 0 }, { handled: 5 }, { waiting: 1, handled: 1 }],
  },
  IngestMessagesFailedAlarm: above('failed', 0),
  UploadMessagesFailedAlarm: above('failed', 0),
  SettleMessagesFailedAlarm: above('failed', 0),
  IngestStandstillAlarm: threeProgress,
  UploadStandstillAlarm: threeProgress,
  SettleStandstillAlarm: standstill,
  UploadInFlightAlarm: above('inFlight', 100_000),
  SweepMissingAlarm: { raised: [{}, { runs: 0 }], quiet: [{ runs: 1 }, { runs: 5 }] },
  FunctionThrottlesAlarm: anyOf('t0', 't1', 't2', 't3', 't4', 't5'),
  UnaccountedRowsAlarm: anyOf(...Object.keys(ALARMS['UnaccountedRowsAlarm']?.of ?? {})),
  JobsFailedAlarm: anyOf(...Object.keys(ALARMS['JobsFailedAlarm']?.of ?? {})),
  ApiFaultsAlarm: above('faults', 0),
  ThrottledShareAlarm: {
    raised: [{ throttled: 26, attempts: 100 }],
    quiet: [{}, { attempts: 100 }, { attempts: 0 }, { throttled: 25, attempts: 100 }],
  },
  FailedShareAlarm: {
    raised: [{ failed: 1 }, { failed: 11, stored: 89 }, { failed: 11, skipped: 89 }],
    quiet: [{}, { stored: 0 }, { stored: 100 }, { failed: 10, stored: 45, skipped: 45 }],
  },
  ...Object.fromEntries(
    ['Ingest', 'Upload', 'Settle', 'Sweep', 'DeadLetters', 'Api'].map((name) => [
      `${name}ErrorsAlarm`,
      above('errors', 0),
    ]),
  ),
};

// SQS leaves out of that age what was received three times and not deleted, as every dead letter was in its first queue.
it('asks no queue of dead letters for the age of its messages', () => {
  const aged = Object.entries(ALARMS).flatMap(([id, { of }]) =>
    Object.values(of)
      .filter(
        ({ name, value }) => name === 'ApproximateAgeOfOldestMessage' && /dead-letters/.test(String(value)),
      )
      .map(() => id),
  );
  expect(aged).toEqual([]);
  const { periods = 1, periodSeconds = 300 } = ALARMS['DeadLettersWaitAlarm'] ?? {};
  expect(periods * periodSeconds).toBe(3_600);
});

it('has cases for every alarm', () => {
  expect(Object.keys(CASES).toSorted()).toEqual(Object.keys(ALARMS).toSorted());
});

describe.each(READINGS)(
  'where FILL fills empty series: $fillsEmpty, a missing point is 0: $zeroesMissing',
  (reading) => {
    const isBreaching = (id: string, given: Points): boolean => {
      const alarm = ALARMS[id];
      if (alarm === undefined) throw new Error(`there is no alarm ${id}`);
      const points = Object.fromEntries(Object.keys(alarm.of).map((name) => [name, given[name]]));
      const unknown = Object.keys(given).filter((name) => !Object.hasOwn(points, name));
      expect(unknown, `series that ${id} does not have`).toEqual([]);
      const [single] = Object.values(points);
      const result =
        alarm.expression === undefined ? single : evaluateMath(alarm.expression, points, reading);
      return result === undefined ? alarm.missing === 'breaching' : result > alarm.above;
    };

    it.each(Object.entries(CASES))('%s is raised in its own case alone', (id, { raised, quiet }) => {
      expect(raised.filter((points) => !isBreaching(id, points))).toEqual([]);
      expect(quiet.filter((points) => isBreaching(id, points))).toEqual([]);
    });
  },
);
