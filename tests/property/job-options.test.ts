// Every option of the table keeps its value on its whole way: posted, in the inbox, in the job's row, in the report, in a redrive.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSubmission } from '../../functions/api/read-submission.ts';
import { submitObject } from '../../functions/api/submit-manifest.ts';
import { submitRedrive } from '../../functions/api/submit-redrive.ts';
import { startJob } from '../../functions/ingest/open-job.ts';
import { createMemoryS3 } from '../../lab/memory/s3.ts';
import { type JobId, keyOfJob } from '../../shared/job/identity.ts';
import { emptyTotals, type Job, type NewJob, type UnopenedJob } from '../../shared/job/job.ts';
import type { JobOption } from '../../shared/job/option-kinds.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { metadataOfOptionTexts, parseJobOptions } from '../../shared/job/options.ts';
import { readJobRow, writeJobRow } from '../../shared/ledger/job-row-format.ts';
import type { SliceResult } from '../../shared/ledger/rows.ts';
import { writeJobReport } from '../../shared/report/report.ts';
import { anEndedJob } from '../helpers/records.ts';
import { startingWith } from '../helpers/starting.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const JOB = 'job-of-options' as JobId;
const BUCKETS = ['own-bucket', 'other.bucket'];
const FAILED_ROWS: SliceResult = {
  totals: { ...emptyTotals(), rows: 1, failed: 1 },
  files: [{ kind: 'failed', key: `jobs/${JOB}/failed/0.ndjson`, rows: 1, bytes: 9, sha256: 'x' }],
};
const TABLE = Object.entries<JobOption>(OPTIONS);

/** Texts that an option takes, each with the value that it stands for. */
function textsOf(option: JobOption): fc.Arbitrary<{ text: string; value: unknown }> {
  const same = (text: string) => ({ text, value: text });
  switch (option.kind) {
    case 'destination':
      return fc
        .record({ bucket: fc.constantFrom(...BUCKETS), path: fc.constantFrom('', 'a', 'a/b c/', '2026+%2F') })
        .map(({ bucket, path }) => ({
          text: `s3://${bucket}/${path}`,
          value: { bucket, prefix: path === '' || path.endsWith('/') ? path : `${path}/` },
        }));
    case 'spread':
      return fc.constantFrom('binary', 'off', 'hex:1', 'hex:8').map(same);
    case 'key template':
      return fc.constantFrom('{key}', 'a b/{dir}/{hash}{ext}', '{column:source} {{x}}').map(same);
    case 'key part':
      return fc.constantFrom('', 'a/b c', '.csv', '{key}').map(same);
    case 'choice':
      return fc.constantFrom(...option.choices).map(same);
    case 'whole number':
      return fc
        .integer({ min: option.least, max: option.most })
        .map((value) => ({ text: String(value), value }));
    case 'text':
      return fc.constant(same(option.example));
  }
}

/** The value in a job that was stored before the option existed. */
function storedDefault(option: JobOption): unknown {
  if (option.kind === 'choice') return option.storedDefault ?? option.default;
  return 'default' in option ? option.default : undefined;
}

/** A text for another value than that. */
function notDefault(option: JobOption): string {
  switch (option.kind) {
    case 'destination':
      return 's3://other.bucket/x/';
    case 'spread':
      return 'off';
    case 'key template':
      return '{dir}/{name}';
    case 'key part':
      return '.bak';
    case 'choice':
      return option.choices.find((choice) => choice !== storedDefault(option)) ?? '';
    case 'whole number':
      return String(option.default === option.most ? option.least : option.most);
    case 'text':
      return option.example;
  }
}

/** Some of the options, by the names of their fields. */
const someOptions = fc
  .record(Object.fromEntries(TABLE.map(([field, option]) => [field, textsOf(option)])), { requiredKeys: [] })
  // A key without encryption by KMS is refused.
  .filter(
    (chosen) => chosen['encryption']?.value === 'aws:kms' || !(chosen['kmsKey'] || chosen['bucketKey']),
  );

function open() {
  const s3 = createMemoryS3({ versioned: ['inbox'] });
  const inbox = { s3: s3.client, inbox: 'inbox' };
  const start = (id: JobId) =>
    startJob(
      startingWith(
        { s3: s3.client, clock: createVirtualClock(), random: () => 0 },
        { destinationBuckets: BUCKETS },
      ),
      { bucket: 'inbox', key: keyOfJob(id), versionId: 'v1' },
    );
  /** Ends the job, and starts its redrive. `change` is what an earlier version wrote otherwise into the report. */
  const redrive = async (
    { options }: Pick<Job, 'options'>,
    change: (options: Record<string, unknown>) => void = () => {},
  ) => {
    const ended = anEndedJob({ id: JOB, ...(options === undefined ? {} : { options }) });
    const { report } = await writeJobReport({ s3: s3.client, bucket: 'reports' }, ended, [FAILED_ROWS]);
    const key = `jobs/${JOB}/manifest.json`;
    const written = JSON.parse(s3.read('reports', key).toString());
    change(written.options);
    s3.write('reports', key, JSON.stringify(written));
    return start((await submitRedrive(inbox, { id: JOB, report })).job);
  };
  return { inbox, start, redrive };
}

/** Posts a manifest with these options: as its own text with a query string, or as JSON. */
function post(texts: Record<string, string>, isJson: boolean) {
  const value = { rows: [{ key: 'a', text: 'b' }], options: texts };
  const read = isJson
    ? readSubmission({
        contentType: 'application/json',
        options: {},
        body: { kind: 'json', value, text: JSON.stringify(value) },
      })
    : readSubmission({
        contentType: 'text/csv',
        options: texts,
        body: { kind: 'bytes', bytes: Buffer.from('key,text\na,b\n'), wasText: true },
      });
  if (read.kind !== 'read') throw new Error(read.message);
  return {
    job: JOB,
    contentType: read.contentType,
    body: read.bytes,
    metadata: metadataOfOptionTexts(read.options),
  };
}

const stored = (job: NewJob | UnopenedJob) => readJobRow(writeJobRow(job));

/** The job's row as a version wrote it that did not have this option. */
function storedWithout(job: NewJob | UnopenedJob, field: string): Job {
  const row = writeJobRow(job);
  const frozen = JSON.parse(row['frozen']?.S ?? '');
  delete frozen.options[field];
  return readJobRow({ ...row, frozen: { S: JSON.stringify(frozen) } });
}

function defaultsOf(): Record<string, unknown> {
  const parsed = parseJobOptions({}, BUCKETS);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.options;
}

describe('the options of a job', () => {
  it('keep their values from the request to the redrive, each of them', async () => {
    await fc.assert(
      fc.asyncProperty(someOptions, fc.boolean(), async (chosen, isJson) => {
        const given = TABLE.flatMap(([field, { name }]) => {
          const one = chosen[field];
          return one === undefined ? [] : [{ field, name, ...one }];
        });
        const expected = {
          ...defaultsOf(),
          ...Object.fromEntries(given.map(({ field, value }) => [field, value])),
        };
        const texts = Object.fromEntries(given.map(({ name, text }) => [name, text]));

        const { inbox, start, redrive } = open();
        await submitObject(inbox, post(texts, isJson));
        const job = await start(JOB);
        expect(job.options).toEqual(expected);
        expect(stored(job).options).toEqual(expected);
        expect((await redrive(stored(job))).options).toEqual(expected);
      }),
    );
  });

  it.each(TABLE.filter(([field]) => field !== 'destination'))(
    'have the default of %s in a job, and in the redrive of a job, that was stored without it',
    async (field, option) => {
      const { inbox, start, redrive } = open();
      const isNeeded = field === 'encryption';
      const given = TABLE.filter(([each]) => !isNeeded || (each !== 'kmsKey' && each !== 'bucketKey'));
      const texts = Object.fromEntries(given.map(([, option]) => [option.name, notDefault(option)]));
      await submitObject(inbox, post(texts, false));
      const job = await start(JOB);
      const { [field]: _, ...others } = { ...job.options } as Record<string, unknown>;
      const usual = storedDefault(option);
      const expected = usual === undefined ? others : { ...others, [field]: usual };
      expect(expected).not.toEqual(job.options);
      expect(storedWithout(job, field).options).toEqual(expected);
      const redriven = await redrive(job, (options) => delete options[field]);
      expect(redriven).toMatchObject({ state: 'planning', options: expected });
    },
  );

  it('are not guessed where a report names no destination: the redrive would write to another place', async () => {
    const { inbox, start, redrive } = open();
    await submitObject(inbox, post({}, false));
    const redriven = await redrive(await start(JOB), (options) => delete options['destination']);
    expect(redriven).toMatchObject({
      state: 'unopened',
      fault: { code: 'ReportUnreadable', message: expect.stringContaining('options.destination: ') },
    });
  });

  it('of a stored job stay as they were frozen, also where a new job could not have them', async () => {
    const { inbox, start, redrive } = open();
    await submitObject(inbox, post({}, false));
    const job = await start(JOB);
    if (job.state !== 'planning') throw new Error(job.fault.message);
    job.options.retryForSeconds = 5_000_000;
    expect(stored(job).options).toEqual(job.options);
    expect(await redrive(stored(job))).toMatchObject({
      state: 'unopened',
      fault: {
        code: 'InvalidOptions',
        message: expect.stringContaining('retry-for-seconds is 5000000: it takes 1 to 777600'),
      },
    });
  });
});
