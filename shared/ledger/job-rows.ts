// The jobs' rows: first sight, plan, control, end. Every change is conditional on what the row is now, so that it may be made
// twice, or by two at once, and only the first of contradicting ones takes effect.
import type { JobId } from '../job/identity.ts';
import { isLive, type Job, type JobControl, type JobFault, type Progress } from '../job/job.ts';
import { createGroups } from './groups.ts';
import { createRounds } from './rounds.ts';
import { type Attributes, jobKey, readJobRow, writeFault, writeJobRow } from './rows.ts';
import { numeral, type Table } from './table.ts';

/**
 * changed   the job is under this control now, by this call or by an earlier one
 * refused   it can't be: the job has ended, or is under a control that this one does not follow on
 * unknown   there is no such job
 */
export type Controlled = { kind: 'changed'; job: Job } | { kind: 'refused'; job: Job } | { kind: 'unknown' };

export type SealedJob = Job & Required<Pick<Job, 'ending'>>;

/** From which controls each may follow; itself is no change. */
const FOLLOWS: Readonly<Record<JobControl, readonly JobControl[]>> = {
  run: ['paused'],
  paused: ['run'],
  cancelling: ['run', 'paused'],
  expiring: ['run'],
};
/** Times that a change is tried again because the row has changed meanwhile. */
const CONTROL_TRIES = 5;

export function createJobRows(table: Table) {
  const groups = createGroups(table);

  async function getJob(id: JobId): Promise<Job | undefined> {
    const row = await table.get(jobKey(id));
    return row === undefined ? undefined : readJobRow(row);
  }

  return {
    ...createRounds(table),
    settleSlice: groups.settleSlice,
    unsettledSlices: groups.unsettledSlices,
    getJob,

    async getJobs(ids: readonly JobId[]): Promise<Map<JobId, Job>> {
      const rows = (await table.getAll(ids.map(jobKey))).map(readJobRow);
      return new Map(rows.map((job) => [job.id, job]));
    },

    /** Writes the job's row at first sight. @returns the row in the table: this one, or an earlier one */
    async createJob(job: Job): Promise<Job> {
      const live: Attributes = isLive(job)
        ? { live: { S: 'live' } }
        : { expiresAt: table.expiry(), ...(job.endedAtMs === undefined ? { endedAtMs: table.now() } : {}) };
      const created = await table.putIfAbsent({ ...writeJobRow(job), ...live });
      if (created) return job;
      const standing = await getJob(job.id);
      if (standing === undefined) throw new Error(`job ${job.id} vanished while it was created`);
      return standing;
    },

    /** Remembers how far the manifest is cut, so that a later invocation goes on from there. */
    async movePlan(id: JobId, plan: Job['plan']): Promise<void> {
      await table.update(jobKey(id), {
        UpdateExpression: 'SET #plan = :plan',
        ConditionExpression: '#state = :planning AND attribute_not_exists(slices)',
        ExpressionAttributeNames: { '#plan': 'plan', '#state': 'state' },
        ExpressionAttributeValues: { ':plan': { S: JSON.stringify(plan) }, ':planning': { S: 'planning' } },
      });
    },

    /**
     * The whole manifest is cut: the job's number of slices is known. Where two count differently, the first one's count stands.
     * @returns the job after the write, if it still lives
     */
    async finishPlan(id: JobId, plan: Job['plan']): Promise<Job | undefined> {
      const counted = await table.update(jobKey(id), {
        UpdateExpression: 'SET #plan = :plan, slices = :slices',
        ConditionExpression: '#state = :planning AND attribute_not_exists(slices)',
        ExpressionAttributeNames: { '#plan': 'plan', '#state': 'state' },
        ExpressionAttributeValues: {
          ':plan': { S: JSON.stringify(plan) },
          ':slices': numeral(plan.slices),
          ':planning': { S: 'planning' },
        },
      });
      const job = counted === undefined ? await getJob(id) : readJobRow(counted);
      if (job?.slices === undefined || !isLive(job)) return undefined;
      // Its state last: a worker that dies before leaves the job `planning`, for another that finishes the plan.
      await groups.sizeLastGroup(id, job.slices);
      const row = await table.update(jobKey(id), {
        UpdateExpression: 'SET #state = :running',
        ConditionExpression: '#state IN (:planning, :running)',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':planning': { S: 'planning' }, ':running': { S: 'running' } },
      });
      return row === undefined ? undefined : readJobRow(row);
    },

    /**
     * Puts a live job under a control. A paused job leaves the index of live jobs: sweep does not look at it.
     * @param fault why it is being ended, where it is not its user's wish
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
     * Decides how a job ends: every report of its end says the same, whatever is ordered meanwhile.
     * @param fault why it is abandoned, where it is
     * @returns the job with its `ending`, which may be one that was decided before, or undefined where it has ended
     */
    async sealEnd(
      id: JobId,
      endOf: (job: Job) => SealedJob['ending'],
      fault?: JobFault,
    ): Promise<SealedJob | undefined> {
      for (let tries = 0; tries < CONTROL_TRIES; tries++) {
        const job = await getJob(id);
        if (job === undefined || !isLive(job)) return undefined;
        if (job.ending !== undefined) return { ...job, ending: job.ending };
        const ending = endOf(job);
        const row = await table.update(jobKey(id), {
          // A paused job comes back into the index: from now on nobody can resume it, so sweep must see that it ends.
          UpdateExpression: `SET ending = :ending, live = :live${fault === undefined ? '' : ', fault = :fault'}`,
          ConditionExpression: 'attribute_exists(live) AND attribute_not_exists(ending) AND control = :was',
          ExpressionAttributeValues: {
            ':ending': { S: ending },
            ':live': { S: 'live' },
            ':was': { S: job.control },
            ...(fault === undefined ? {} : { ':fault': writeFault(fault) }),
          },
        });
        if (row !== undefined) return { ...readJobRow(row), ending };
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
     * Ends a live job: nothing is written under it any more, and its row expires.
     * @returns whether this call ended it
     */
    async endJob(id: JobId, end: Pick<Job, 'state' | 'totals' | 'report' | 'fault'>): Promise<boolean> {
      const values: Attributes = {
        ':state': { S: end.state },
        ':endedAtMs': table.now(),
        ':expiresAt': table.expiry(),
        ...(end.totals === undefined ? {} : { ':totals': { S: JSON.stringify(end.totals) } }),
        ...(end.report === undefined ? {} : { ':report': { S: end.report } }),
        ...(end.fault === undefined ? {} : { ':fault': writeFault(end.fault) }),
      };
      const names = Object.keys(values).map((value) => value.slice(1));
      const row = await table.update(jobKey(id), {
        UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')} REMOVE #live, progress`,
        ConditionExpression: 'attribute_exists(#live)',
        ExpressionAttributeNames: Object.fromEntries([...names, 'live'].map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: values,
      });
      return row !== undefined;
    },
  };
}

/** Conditional on the control as it was read: the deadline of a resumed job is computed from it. */
function changeOfControl(job: Job, control: JobControl, nowMs: number, fault: JobFault | undefined) {
  const pausedMs = nowMs - (job.haltedAtMs ?? nowMs);
  const sets: Attributes =
    control === 'run'
      ? { resumedAtMs: numeral(nowMs), deadlineMs: numeral(job.deadlineMs + pausedMs) }
      : { haltedAtMs: numeral(job.haltedAtMs ?? nowMs) };
  const values: Attributes = {
    ...sets,
    control: { S: control },
    live: { S: control === 'paused' ? 'paused' : 'live' },
    ...(fault === undefined ? {} : { fault: writeFault(fault) }),
  };
  const names = Object.keys(values);
  return {
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}${control === 'run' ? ' REMOVE haltedAtMs' : ''}`,
    ConditionExpression: 'attribute_exists(#live) AND attribute_not_exists(ending) AND #control = :was',
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: {
      ...Object.fromEntries(names.map((name) => [`:${name}`, values[name] as Attributes[string]])),
      ':was': { S: job.control },
    },
  };
}
