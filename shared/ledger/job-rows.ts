// Changes of a job's row: its creation, plan, control and end. Each is conditional on the row's present state: it may be made
// twice, or by two writers at once, and of contradicting changes only the first takes effect.

import { rateOf } from '../job/frozen-options.ts';
import type { JobId } from '../job/identity.ts';
import {
  type DecidedJob,
  type EndedJob,
  type Ending,
  isEnded,
  isLive,
  type Job,
  type JobControl,
  type JobEnd,
  type JobFault,
  type LiveJob,
  type NewJob,
  type PlanCursor,
  type Progress,
  type RunningJob,
  type UnopenedJob,
} from '../job/job.ts';
import type { RateOptions } from '../job/options.ts';
import { createJobReads } from './job-reads.ts';
import { readJobRow, writeFault, writeJobRow, writeRate } from './job-row-format.ts';
import { rescaleTurns } from './rescale-turns.ts';
import { type Attributes, jobKey } from './rows.ts';
import { sizeLastGroup } from './slice-groups.ts';
import { numeral, type Table } from './table.ts';

/**
 * changed   the job is under this control now, by this call or by an earlier one
 * refused   it can't be: the job has ended, or is under a control that this one does not follow on
 * unknown   there is no such job
 */
export type Controlled = { kind: 'changed'; job: Job } | { kind: 'refused'; job: Job } | { kind: 'unknown' };

/** The controls that each may follow. */
const FOLLOWS: Readonly<Record<JobControl, readonly JobControl[]>> = {
  run: ['paused'],
  paused: ['run'],
  cancelling: ['run', 'paused'],
  expiring: ['run'],
};
/** Times that a change is tried again because the row has changed meanwhile. */
const CONTROL_TRIES = 5;

export function createJobRows(table: Table) {
  const { getJob } = createJobReads(table);

  /** Only while it is not finished. @param more what else is written with it */
  function writePlan(id: JobId, plan: PlanCursor, more: Attributes = {}): Promise<Attributes | undefined> {
    const { sets, names, values } = setting({ plan: { S: JSON.stringify(plan) }, ...more });
    return table.update(jobKey(id), {
      UpdateExpression: sets,
      ConditionExpression: '#state = :planning AND attribute_not_exists(slices)',
      ExpressionAttributeNames: { ...names, '#state': 'state' },
      ExpressionAttributeValues: { ...values, ':planning': { S: 'planning' } },
    });
  }

  return {
    /** Writes the job's row at first sight. @returns the row in the table: this one, or an earlier one */
    async createJob(job: NewJob | UnopenedJob): Promise<Job> {
      const created = await table.putIfAbsent({ ...writeJobRow(job), live: { S: 'live' } });
      if (created) return job;
      const earlier = await getJob(job.id);
      if (earlier === undefined) throw new Error(`job ${job.id} vanished while it was created`);
      return earlier;
    },

    /** Remembers how far the manifest is cut, so that a later invocation goes on from there. */
    async movePlan(id: JobId, plan: PlanCursor): Promise<void> {
      await writePlan(id, plan);
    },

    /**
     * The whole manifest is cut: the job's number of slices is known. Where two count differently, the first count is kept.
     * @returns the job after the write, if it still lives
     */
    async finishPlan(id: JobId, plan: PlanCursor): Promise<RunningJob | undefined> {
      const counted = await writePlan(id, plan, { slices: numeral(plan.slices) });
      const known = counted ?? (await table.get(jobKey(id)));
      const slices = known?.['slices']?.N;
      if (known === undefined || slices === undefined || isEnded(readJobRow(known))) return undefined;
      // The state is written last: if the worker dies before, the job stays `planning`, and another worker finishes the plan.
      await sizeLastGroup(table, id, Number(slices));
      const row = await table.update(jobKey(id), {
        UpdateExpression: 'SET #state = :running',
        ConditionExpression: '#state IN (:planning, :running)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':planning': { S: 'planning' }, ':running': { S: 'running' } },
      });
      const job = row === undefined ? undefined : readJobRow(row);
      return job?.state === 'running' ? job : undefined;
    },

    /**
     * Puts a live job under a control. A paused job leaves the index of live jobs: sweep does not look at it.
     * @param fault why it is being ended, where its user has not ordered it
     */
    async controlJob(id: JobId, control: JobControl, fault?: JobFault): Promise<Controlled> {
      for (let tries = 0; tries < CONTROL_TRIES; tries++) {
        const job = await getJob(id);
        if (job === undefined) return { kind: 'unknown' };
        if (!isLive(job) || job.ending !== undefined) return { kind: 'refused', job };
        if (job.control === control) return { kind: 'changed', job };
        if (!FOLLOWS[control].includes(job.control)) return { kind: 'refused', job };
        const row = await table.update(
          jobKey(id),
          changeOfControl(job, control, Number(table.now().N), fault),
        );
        if (row !== undefined) return { kind: 'changed', job: readJobRow(row) };
      }
      throw new Error(
        `the control of job ${id} changed ${CONTROL_TRIES} times while it was to be ${control}`,
      );
    },

    /**
     * Changes the rate of a live job, at any time. What is absent stays as it is.
     * @returns refused where the job has ended, or its end is decided
     */
    async changeRate(id: JobId, change: Partial<RateOptions>): Promise<Controlled> {
      for (let tries = 0; tries < CONTROL_TRIES; tries++) {
        const stored = await table.get(jobKey(id));
        if (stored === undefined) return { kind: 'unknown' };
        const job = readJobRow(stored);
        if (!isLive(job) || job.ending !== undefined) return { kind: 'refused', job };
        const before = rateOf(job.options);
        const options = { ...job.options, ...change };
        // Before the rate: a worker that has read the new one books by it.
        await rescaleTurns(table, id, before, rateOf(options));
        const row = await table.update(jobKey(id), changeOfRate(stored['rate'], options));
        if (row !== undefined) return { kind: 'changed', job: readJobRow(row) };
        // If an answer was lost, the SDK wrote again, and its own first write had broken the condition.
        const now = await table.get(jobKey(id));
        if (now?.['rate']?.S !== writeRate(options).S) await rescaleTurns(table, id, rateOf(options), before);
      }
      throw new Error(`the rate of job ${id} changed ${CONTROL_TRIES} times while it was to be changed`);
    },

    /**
     * Decides how a job ends: every report of its end says the same, whatever is ordered meanwhile.
     * @returns the job with its `ending`, which may have been decided before, or undefined where it has ended
     */
    async decideEnd(id: JobId, endingOf: (job: LiveJob) => Ending): Promise<DecidedJob | undefined> {
      for (let tries = 0; tries < CONTROL_TRIES; tries++) {
        const job = await getJob(id);
        if (job === undefined || isEnded(job)) return undefined;
        if (job.ending !== undefined) return job;
        const ending = endingOf(job);
        const fault = 'fault' in ending ? { ':fault': writeFault(ending.fault) } : undefined;
        const row = await table.update(jobKey(id), {
          // A paused job comes back into the index: it can't be resumed any more, so sweep must see that it ends.
          UpdateExpression: `SET ending = :ending, live = :live${fault === undefined ? '' : ', fault = :fault'}`,
          ConditionExpression: 'attribute_exists(live) AND attribute_not_exists(ending) AND control = :was',
          ExpressionAttributeValues: {
            ':ending': { S: ending.ending },
            ':live': { S: 'live' },
            ':was': { S: job.control },
            ...fault,
          },
        });
        if (row !== undefined) return readJobRow(row) as DecidedJob;
      }
      throw new Error(
        `the end of job ${id} was not decided in ${CONTROL_TRIES} tries: its control keeps changing`,
      );
    },

    async recordProgress(id: JobId, progress: Progress): Promise<void> {
      await table.update(jobKey(id), {
        UpdateExpression: 'SET progress = :progress',
        ConditionExpression: 'attribute_exists(live)',
        ExpressionAttributeValues: {
          ':progress': { S: JSON.stringify({ ...progress, atMs: Number(table.now().N) }) },
        },
      });
    },

    /**
     * Remembers how much of a live job was announced: 0 is its start.
     * @returns whether it is more than was announced before
     */
    async recordAnnounced(id: JobId, percent: number): Promise<boolean> {
      const row = await table.update(jobKey(id), {
        UpdateExpression: 'SET announced = :percent',
        ConditionExpression:
          'attribute_exists(live) AND (attribute_not_exists(announced) OR announced < :percent)',
        ExpressionAttributeValues: { ':percent': numeral(percent) },
      });
      return row !== undefined;
    },

    /**
     * Ends a job: nothing is written under it any more, and its row expires.
     * @returns the ended job, where it was this call that ended it
     */
    async endJob(id: JobId, end: JobEnd): Promise<EndedJob | undefined> {
      const { sets, names, values } = setting({
        state: { S: end.state },
        endedAtMs: table.now(),
        expiresAt: table.expiry(),
        totals: { S: JSON.stringify(end.totals) },
        report: { S: end.report },
        ...(end.state === 'failed' ? { fault: writeFault(end.fault) } : {}),
      });
      const row = await table.update(jobKey(id), {
        UpdateExpression: `${sets} REMOVE live, progress`,
        ConditionExpression: 'attribute_exists(live)',
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: values,
      });
      return row === undefined ? undefined : (readJobRow(row) as EndedJob);
    },
  };
}

/** Conditional on the rate as it was read: an order of objects and one of bytes must not undo each other. */
function changeOfRate(was: Attributes[string] | undefined, rate: RateOptions) {
  const isUnchanged = was === undefined ? 'attribute_not_exists(rate)' : 'rate = :was';
  return {
    UpdateExpression: 'SET rate = :rate',
    ConditionExpression: `attribute_exists(live) AND attribute_not_exists(ending) AND ${isUnchanged}`,
    ExpressionAttributeValues: {
      ':rate': writeRate(rate),
      ...(was === undefined ? {} : { ':was': was }),
    },
  };
}

/** Conditional on the control as it was read: the deadline of a resumed job is computed from it. */
function changeOfControl(job: LiveJob, control: JobControl, nowMs: number, fault: JobFault | undefined) {
  const haltedAtMs = job.control === 'run' ? nowMs : job.haltedAtMs;
  const times: Attributes =
    control === 'run'
      ? { resumedAtMs: numeral(nowMs), deadlineMs: numeral(job.deadlineMs + nowMs - haltedAtMs) }
      : { haltedAtMs: numeral(haltedAtMs) };
  const { sets, names, values } = setting({
    ...times,
    control: { S: control },
    live: { S: control === 'paused' ? 'paused' : 'live' },
    ...(fault === undefined ? {} : { fault: writeFault(fault) }),
  });
  return {
    UpdateExpression: control === 'run' ? `${sets} REMOVE haltedAtMs` : sets,
    ConditionExpression: 'attribute_exists(#live) AND attribute_not_exists(ending) AND #control = :was',
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: { ...values, ':was': { S: job.control } },
  };
}

/** The write of these attributes, by placeholders: some of their names are DynamoDB's own words. */
function setting(attributes: Attributes) {
  const all = Object.entries(attributes);
  return {
    sets: `SET ${all.map(([name]) => `#${name} = :${name}`).join(', ')}`,
    names: Object.fromEntries(all.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(all.map(([name, value]) => [`:${name}`, value])),
  };
}
