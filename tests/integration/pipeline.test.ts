// The whole job: a manifest goes in, its objects come out, and every row is accounted for.
import { beforeAll, describe, expect, it } from 'vitest';
import { destinationKey } from '../../shared/keys/spread.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { type Dropped, headObject, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const ALL_ENDED = { state: 'completed', unaccounted: 0 };
const KEPT_AS_IS = { spread: 'off' };
/** Allowed as a destination, but never made. */
const ABSENT_BUCKET = 'spillway-test-absent';

let destination: string;

const cloud = duringTests(() =>
  startPipelineCloud({
    visibilitySeconds: 2,
    // A slice that can't be sent is slow to fail; items are given back, and that counts as receives.
    receivesMost: { IngestQueue: 2 },
    sliceBytes: 9_000,
    // A row that was held back for long is tried again soon after.
    fidelity: { mostDelayMs: 2_000 },
    params: { destinationBuckets: ABSENT_BUCKET },
    // Long enough that a slow machine is no dead one: ingest's second receive is the last, upload's fifth, and what settle still
    // has in hand is not received again. An unreadable message waits four of upload's.
    adjust({ queues }) {
      for (const [id, seconds] of Object.entries({ IngestQueue: 8, UploadQueue: 6, SettleQueue: 60 }))
        if (queues[id] !== undefined) queues[id].attributes['VisibilityTimeout'] = String(seconds);
    },
  }),
);
beforeAll(async () => {
  destination = cloud.names.destination;
});

const text = async (key: string, bucket = destination) => (await cloud.read(bucket, key))?.toString();
const csv = (...rows: string[]) => `${rows.join('\n')}\n`;
const ndjson = (...rows: object[]) => csv(...rows.map((row) => JSON.stringify(row)));

describe('a manifest', () => {
  it('in CSV ends completed, with every object where the spread puts it', async () => {
    await cloud.put(SOURCE_BUCKET, 'pictures/a b+c.png', 'not really a picture');
    const dropped = await cloud.drop(
      'lists/one two+three.csv',
      csv(
        'key,source,text,content_type',
        'p/1.png,s3://spillway-test-source/pictures/a b+c.png,,image/png',
        'p/2.txt,,"two, with a ""quote""\nand a line",text/plain',
        'p/3.txt,,three,',
      ),
    );
    const end = await cloud.ended(dropped);
    // Three writes, and the HEAD of the source whose copy has another content type.
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 3, stored: 3, attempts: 4 });
    const at = (key: string) => destinationKey(key, { kind: 'binary' });
    expect(await text(at('p/1.png'))).toBe('not really a picture');
    expect(await text(at('p/2.txt'))).toBe('two, with a "quote"\nand a line');
    expect(await text(at('p/3.txt'))).toBe('three');
    expect(await headObject(cloud.s3, destination, at('p/1.png'))).toMatchObject({
      ContentType: 'image/png',
    });
    expect(await headObject(cloud.s3, destination, at('p/2.txt'))).toMatchObject({
      ContentType: 'text/plain',
    });

    const rows = await cloud.rows(end, 'succeeded');
    expect(rows.map(({ key, status, destination: to, line }) => ({ key, status, to, line }))).toEqual(
      expect.arrayContaining([
        { key: 'p/1.png', status: 'stored', to: `s3://${destination}/${at('p/1.png')}`, line: 2 },
        { key: 'p/2.txt', status: 'stored', to: `s3://${destination}/${at('p/2.txt')}`, line: 3 },
        { key: 'p/3.txt', status: 'stored', to: `s3://${destination}/${at('p/3.txt')}`, line: 5 },
      ]),
    );
  });

  it('in NDJSON ends completed, with a prefix before the keys', async () => {
    const dropped = await cloud.drop(
      'lists/some.ndjson',
      ndjson({ key: 'a', text: '' }, { key: 'b', base64: 'AP8Q' }, { key: 'c', text: 'grüße 🌊' }),
      { options: { destination: `s3://${destination}/pre/fix/`, spread: 'hex:2' } },
    );
    expect(await cloud.ended(dropped)).toMatchObject({ ...ALL_ENDED, rows: 3, stored: 3, bytes: 3 + 12 });
    const at = (key: string) => destinationKey(key, { kind: 'hex', digits: 2 }, 'pre/fix/');
    expect(await text(at('a'))).toBe('');
    expect([...((await cloud.read(destination, at('b'))) ?? [])]).toEqual([0, 255, 16]);
    expect(await text(at('c'))).toBe('grüße 🌊');
  });

  it('of a header alone ends completed with no rows', async () => {
    const end = await cloud.ended(await cloud.drop('lists/header.csv', 'key,text\n'));
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 0, stored: 0 });
    expect((await cloud.report(end)).files).toEqual([]);
  });

  it('of several slices and blocks has each of its rows stored and reported once', async () => {
    const keys = Array.from({ length: 1_300 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
    const bad = [0, 499, 500, 1_234, 1_299];
    const dropped = await cloud.drop(
      'lists/many.csv',
      csv('key,text', ...keys.map((key, index) => (bad.includes(index) ? `${key},` : `${key},v${index}`))),
      { options: { destination: `s3://${destination}/slices`, ...KEPT_AS_IS } },
    );
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 1_300, stored: 1_295, rejected: 5 });
    const stored = await cloud.rows(end, 'succeeded');
    expect(stored.map(({ key }) => key).toSorted()).toEqual(keys.filter((_, index) => !bad.includes(index)));
    expect(
      (await cloud.rows(end, 'rejected')).map(({ key, spillway_place }) => [key, spillway_place]),
    ).toEqual(expect.arrayContaining(bad.map((index) => [keys[index], `line ${index + 2}`])));
    // The destination was named without its closing slash.
    expect(await cloud.keys(destination, 'slices/')).toHaveLength(1_295);
    const { files } = await cloud.report(end);
    expect(files.filter(({ kind }) => kind === 'succeeded').length, 'slices').toBeGreaterThan(1);
  });
});

describe('keys', () => {
  const LONGEST = 1024;
  const awkward = [
    'a b/c d.txt',
    'plus+plus',
    'per%cent %2F %252F',
    `quotes " ' \` end`,
    'grüße/日本語/🌊/e\u0301',
    '/leading',
    '//two',
    'trailing/',
    'a//b',
    'a/../b',
    './here',
    '.',
    'amp&lt<gt>semi;eq=hash#q?at@',
    'back\\slash|pipe^tilde~{brace}[bracket]',
    'tab\tnew\nline\r\u0001',
    `${'ü'.repeat(511)}xy`,
    'k'.repeat(LONGEST),
  ];

  it('arrive byte-exact, as destinations and as sources', async () => {
    const sources = awkward.map((key) => key);
    for (const key of sources) await cloud.put(SOURCE_BUCKET, key, `from ${key}`);
    const dropped = await cloud.drop(
      "lists/awk ward+%2F 'é'.ndjson",
      ndjson(...awkward.map((key) => ({ key, text: `of ${key}` }))),
      { options: KEPT_AS_IS },
    );
    const copied = await cloud.drop(
      'lists/copies.ndjson',
      ndjson(
        ...sources.slice(0, -2).map((key) => ({ key: `c:${key}`, source: `s3://${SOURCE_BUCKET}/${key}` })),
      ),
      { options: KEPT_AS_IS },
    );
    const end = await cloud.ended(dropped);
    expect(await cloud.rows(end, 'failed')).toEqual([]);
    expect(end).toMatchObject({ ...ALL_ENDED, rows: awkward.length, stored: awkward.length });
    const keys = new Set(await cloud.keys(destination));
    for (const key of awkward) {
      // Control characters are not XML: no listing can hold them as they stand.
      if (!/\p{Cc}/u.test(key)) expect(keys.has(key), JSON.stringify(key)).toBe(true);
      expect(await text(key), JSON.stringify(key)).toBe(`of ${key}`);
    }
    const copiedEnd = await cloud.ended(copied);
    expect(await cloud.rows(copiedEnd, 'failed')).toEqual([]);
    expect(copiedEnd).toMatchObject({ ...ALL_ENDED, stored: awkward.length - 2 });
    for (const key of sources.slice(0, -2))
      expect(await text(`c:${key}`), JSON.stringify(key)).toBe(`from ${key}`);
  });

  it('of 1,024 bytes with prefix and spread are taken, of 1,025 rejected', async () => {
    const room = LONGEST - Buffer.byteLength(destinationKey('', { kind: 'hex', digits: 3 }, 'é/'));
    const [fits, exceeds] = ['f'.repeat(room), 'x'.repeat(room + 1)];
    const dropped = await cloud.drop(
      'lists/long.ndjson',
      ndjson({ key: fits, text: '1' }, { key: exceeds, text: '2' }),
      { options: { destination: `s3://${destination}/e/`, spread: 'hex:3' } },
    );
    const end = await cloud.ended(dropped);
    // The prefix is one byte shorter than é/: both fit. One more byte does not.
    expect(end).toMatchObject({ ...ALL_ENDED, stored: 2 });
    const over = await cloud.ended(
      await cloud.drop('lists/over.ndjson', ndjson({ key: `${exceeds}x`, text: '3' }), {
        options: { destination: `s3://${destination}/e/`, spread: 'hex:3' },
      }),
    );
    expect(over).toMatchObject({ ...ALL_ENDED, stored: 0, rejected: 1 });
    expect((await cloud.rows(over, 'rejected'))[0]).toMatchObject({
      spillway_code: 'KeyTooLong',
      spillway_message: expect.stringContaining('1025 bytes'),
    });
  });
});

describe('bad rows', () => {
  it('are rejected with place and reason, and reported; good ones go on', async () => {
    const dropped = await cloud.drop(
      'lists/bad.csv',
      csv(
        'key,source,text',
        'good-1,,one',
        ',,no key',
        'both,s3://spillway-test-source/x,two',
        'neither,,',
        'elsewhere,s3://forbidden-bucket/x,',
        '"open,,quote',
        'good-2,,two',
      ),
      { options: { destination: `s3://${destination}/bad/`, ...KEPT_AS_IS } },
    );
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 7, stored: 2, rejected: 5 });
    const rejected = await cloud.rows(end, 'rejected');
    const byPlace = Object.fromEntries(rejected.map((row) => [row['spillway_place'], row['spillway_code']]));
    expect(byPlace).toEqual({
      'line 3': 'KeyMissing',
      'line 4': 'PayloadAmbiguous',
      'line 5': 'PayloadMissing',
      'line 6': 'SourceNotAllowed',
      'line 7': 'QuoteNotClosed',
    });
    expect(rejected.every((row) => String(row['spillway_message']).length > 10)).toBe(true);
    expect(rejected.find((row) => row['spillway_place'] === 'line 6')).toMatchObject({
      key: 'elsewhere',
      source: 's3://forbidden-bucket/x',
    });
    expect(await text('bad/good-2')).toBe('two');
  });
});

describe('a manifest that can not be read', () => {
  it.each([
    { name: 'empty.csv', body: '', code: 'Empty', says: /empty/ },
    { name: 'blank.csv', body: '\n\n', code: 'Empty', says: /blank/ },
    { name: 'binary.csv', body: Buffer.from([0, 1, 2, 3]), code: 'Binary', says: /NUL/ },
    { name: 'gzip.csv', body: Buffer.from([0x1f, 0x8b, 8, 0]), code: 'CompressionBroken', says: /gzip/ },
    { name: 'no-header.csv', body: 'a,b\nc,d\n', code: 'UnknownColumn', says: /"a"/ },
    { name: 'unknown.csv', body: 'key,txet\nk,v\n', code: 'UnknownColumn', says: /did you mean text/ },
    { name: 'what.bin', body: 'hello world\n', code: 'UnknownFormat', says: /\.csv/ },
    { name: 'list.parquet', body: 'PAR1', code: 'ParquetDamaged', says: /Parquet/ },
  ])(
    '($name) ends its job as failed, says why, and stays in the inbox',
    async ({ name, body, code, says }) => {
      const dropped = await cloud.drop(`unreadable/${name}`, body);
      const end = await cloud.ended(dropped);
      expect(end).toMatchObject({ state: 'failed', rows: 0, unaccounted: 0, fault: { code } });
      expect(end.fault?.message).toMatch(says);
      expect(await cloud.report(end)).toMatchObject({ state: 'failed', fault: { code }, files: [] });
      expect(await endedView(end.job)).toMatchObject({ state: 'failed', fault: { code } });
      expect(Buffer.from((await cloud.read(cloud.names.inbox, dropped.key)) ?? 'gone')).toEqual(
        Buffer.from(body),
      );
    },
  );

  it('for its options says all that is wrong with them', async () => {
    const dropped = await cloud.drop('unreadable/options.csv', csv('key,text', 'k,v'), {
      options: { spread: 'wide', destination: 's3://somewhere-else', 'retry-for-seconds': '0' },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ state: 'failed', fault: { code: 'InvalidOptions' } });
    for (const fault of [/spread/, /somewhere-else/, /retry-for-seconds/])
      expect(end.fault?.message).toMatch(fault);
    expect(await cloud.report(end)).not.toHaveProperty('options');
    expect(await endedView(end.job)).not.toHaveProperty('options');
  });
});

describe('the same', () => {
  it('event twice is one job, the same file dropped twice is two', async () => {
    const body = csv('key,text', 'again,1');
    const [first, second] = [
      await cloud.drop('lists/twice.csv', body, { options: KEPT_AS_IS }),
      await cloud.drop('lists/twice.csv', body, { options: KEPT_AS_IS }),
    ];
    const ends = [await cloud.ended(first), await cloud.ended(second)];
    expect(new Set(ends.map(({ job }) => job)).size).toBe(2);

    await cloud.send('IngestQueue', notificationOf(first));
    await cloud.send('IngestQueue', notificationOf(first));
    await cloud.until('both events are taken', async () => idle('IngestQueue'));
    expect(cloud.endsOf(first)).toHaveLength(1);
    const jobs = (await (await fetch(`${cloud.endpoints.api}/jobs?limit=100`)).json()) as {
      jobs: { manifest: string }[];
    };
    expect(jobs.jobs.filter(({ manifest }) => manifest.endsWith('/lists/twice.csv'))).toHaveLength(2);
  });

  it('Idempotency-Key twice is one job; with another manifest it is a conflict', async () => {
    const post = (body: string, contentType = 'text/csv') =>
      fetch(`${cloud.endpoints.api}/jobs?spread=off`, {
        method: 'POST',
        headers: { 'content-type': contentType, 'idempotency-key': 'the same' },
        body,
      });
    const first = await post(csv('key,text', 'posted,1'));
    expect(first.status).toBe(202);
    const { job } = (await first.json()) as { job: string };
    const again = await post(csv('key,text', 'posted,1'));
    expect([again.status, await again.json()]).toEqual([200, expect.objectContaining({ job })]);
    expect((await post(csv('key,text', 'posted,2'))).status).toBe(409);
    expect((await post(ndjson({ key: 'posted', text: '3' }), 'application/x-ndjson')).status).toBe(409);
    expect(await cloud.ended(job)).toMatchObject({ ...ALL_ENDED, rows: 1, stored: 1 });
    expect(await text('posted')).toBe('1');
    expect(await endedView(job)).toMatchObject({ job, state: 'completed', stored: 1, unaccounted: 0 });
    expect(cloud.endsOf(job)).toHaveLength(1);
  });
});

describe('an object that exists already', () => {
  it.each([
    { ifExists: 'skip', ends: { stored: 1, skipped: 1, failed: 0 }, left: 'old' },
    { ifExists: 'fail', ends: { stored: 1, skipped: 0, failed: 1 }, left: 'old' },
    { ifExists: 'overwrite', ends: { stored: 2, skipped: 0, failed: 0 }, left: 'new' },
  ])('with if-exists $ifExists is $left afterwards', async ({ ifExists, ends, left }) => {
    const at = `exists/${ifExists}/`;
    await cloud.put(destination, `${at}there`, 'old');
    const dropped = await cloud.drop(`lists/${ifExists}.csv`, csv('key,text', 'there,new', 'fresh,new'), {
      options: { destination: `s3://${destination}/${at}`, 'if-exists': ifExists, ...KEPT_AS_IS },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 2, ...ends });
    expect(await text(`${at}there`)).toBe(left);
    expect(await text(`${at}fresh`)).toBe('new');
    expect((await cloud.rows(end, 'failed')).map((row) => row['spillway_code'])).toEqual(
      ends.failed === 1 ? ['AlreadyExists'] : [],
    );
  });
});

describe('a row that S3 will never take', () => {
  it('ends failed in the report, with its own columns, so that the file is a manifest again', async () => {
    const columns = {
      key: 'nowhere',
      source: `s3://${SOURCE_BUCKET}/missing`,
      content_type: 'text/plain',
      size: 'found again'.length,
    };
    const dropped = await cloud.drop('lists/missing.ndjson', ndjson(columns, { key: 'fine', text: 'x' }), {
      options: { destination: `s3://${destination}/permanent/`, ...KEPT_AS_IS },
    });
    const end = await cloud.ended(dropped);
    expect(end).toMatchObject({ ...ALL_ENDED, rows: 2, stored: 1, failed: 1 });
    const failed = await cloud.rows(end, 'failed');
    expect(failed).toEqual([
      {
        ...columns,
        spillway_code: 'NoSuchKey',
        spillway_message: expect.any(String),
        spillway_place: 'line 1',
      },
    ]);

    await cloud.put(SOURCE_BUCKET, 'missing', 'found again');
    const redriven = await cloud.drop('lists/redriven.ndjson', ndjson(...failed), {
      options: { destination: `s3://${destination}/permanent/`, ...KEPT_AS_IS },
    });
    expect(await cloud.ended(redriven)).toMatchObject({ ...ALL_ENDED, rows: 1, stored: 1 });
    expect(await text('permanent/nowhere')).toBe('found again');
  });
});

it('fails every row of a destination bucket that does not exist, each with its own columns', async () => {
  const dropped = await cloud.drop('lists/absent.csv', csv('key,text', 'a,1', 'b,2'), {
    options: { destination: `s3://${ABSENT_BUCKET}/x`, ...KEPT_AS_IS },
  });
  const end = await cloud.ended(dropped);
  expect(end).toMatchObject({ ...ALL_ENDED, rows: 2, stored: 0, failed: 2 });
  const failed = await cloud.rows(end, 'failed');
  expect(
    failed.toSorted((one, other) => String(one['key']).localeCompare(String(other['key']))),
  ).toMatchObject([
    { key: 'a', text: '1', spillway_code: 'NoSuchBucket', spillway_place: 'line 2' },
    { key: 'b', text: '2', spillway_code: 'NoSuchBucket', spillway_place: 'line 3' },
  ]);
});

describe('dead letters', () => {
  const flagged = () => cloud.metricsOf('deadLetters')['DeadLettersFlagged'] ?? 0;

  /** A job that runs for as long as S3 holds its first row back. */
  async function whileHeld(
    name: string,
    run: (dropped: Dropped, job: string) => Promise<void>,
  ): Promise<void> {
    await cloud.setFaults([
      { kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: `${name}/held` },
    ]);
    try {
      const dropped = await cloud.drop(
        `lists/${name}.csv`,
        csv('key,text', 'held,1', ...Array.from({ length: 9 }, (_, index) => `free-${index},1`)),
        { options: { ...KEPT_AS_IS, destination: `s3://${destination}/${name}/` } },
      );
      await cloud.until('its job runs', async () => (await jobOf(dropped))?.state === 'running');
      // Then the ledger knows the block, so that a dead letter of it is no unknown row.
      await cloud.until('its other rows are stored', async () => {
        return (await cloud.keys(destination, `${name}/free-`)).length === 9;
      });
      await run(dropped, (await jobOf(dropped))?.job ?? '');
    } finally {
      await cloud.setFaults([]);
    }
  }

  it('that are no item are kept and counted, and take no neighbour with them', async () => {
    await whileHeld('beside', async (dropped, job) => {
      const before = flagged();
      const bodies = [
        'no JSON at all',
        JSON.stringify(itemMessage({ job, item: { key: 'no payload' } })),
        JSON.stringify(itemMessage({ job, number: 400, item: { key: 'no such row', text: '' } })),
        JSON.stringify(itemMessage({ job, block: 7, item: { key: 'no such block', text: '' } })),
      ];
      for (const body of bodies) await cloud.send('UploadQueue', body);
      // A good item of an open row, by way of the one queue that takes messages of others.
      const forged = itemMessage({ job, number: 0, item: { key: 'forged', text: 'forged' } });
      await cloud.send('IngestQueue', JSON.stringify(forged));
      // A letter may be flagged twice, so their number does not say that all have come.
      const marks = [
        'no JSON at all',
        'no payload',
        'no such row',
        'no such block',
        'comes from the ingest queue',
      ];
      let texts = '';
      await cloud.until('all are kept', async () => {
        const kept = await cloud.keys(cloud.names.reports, 'deadletters/');
        texts = (await Promise.all(kept.map((key) => text(key, cloud.names.reports)))).join('');
        return marks.every((mark) => texts.includes(mark));
      });
      // Each is counted once its invocation ends, which is after it is kept.
      await cloud.until('all are counted', () => flagged() > before + bodies.length);
      expect(texts).toContain('a message of the upload queue and comes from the ingest queue');
      for (const source of ['ingest', 'upload'])
        expect(texts).toMatch(new RegExp(`"source": "[\\w-]+-${source}"`));
      await cloud.until('the dead-letter queue is empty', () => idle('DeadLetters'));
      await cloud.setFaults([]);
      expect(await cloud.ended(dropped)).toMatchObject({ ...ALL_ENDED, rows: 10, stored: 10 });
      expect(await cloud.keys(destination, 'beside/forged')).toEqual([]);
    });
  });

  it('of an item that was a suspect already, end its row as failed', async () => {
    await whileHeld('deadly', async (dropped, job) => {
      await cloud.send(
        'DeadLetters',
        JSON.stringify(itemMessage({ job, item: { key: 'held', text: '1' }, suspect: true })),
      );
      const end = await cloud.ended(dropped);
      expect(end).toMatchObject({ ...ALL_ENDED, rows: 10, stored: 9, failed: 1 });
      expect(await cloud.rows(end, 'failed')).toMatchObject([{ key: 'held', spillway_code: 'DeadLettered' }]);
    });
  });

  it('of a slice that can not be ingested, fail its rows with their own columns', async () => {
    await cloud.setFaults([
      { kind: 'sqs-entries-failed', action: 'SendMessageBatch', queue: uploadQueueName() },
    ]);
    try {
      const dropped = await cloud.drop('lists/unsent.csv', csv('key,text', 'x,1', 'y,2', 'bad,'));
      const end = await cloud.ended(dropped);
      expect(end).toMatchObject({ ...ALL_ENDED, rows: 3, failed: 2, rejected: 1 });
      expect(await cloud.rows(end, 'failed')).toMatchObject([
        { key: 'x', text: '1', spillway_code: 'IngestFailed', spillway_place: 'line 2' },
        { key: 'y', text: '2', spillway_code: 'IngestFailed', spillway_place: 'line 3' },
      ]);
    } finally {
      await cloud.setFaults([]);
    }
  });

  it('of a manifest whose version is gone before it is opened, fail the job', async () => {
    await cloud.send('IngestQueue', notificationOf({ key: 'lists/ghost.csv', versionId: 'no-such-version' }));
    const end = await cloud.ended({ key: 'lists/ghost.csv', versionId: 'no-such-version' });
    expect(end).toMatchObject({ state: 'failed', fault: { code: 'ManifestGone' }, rows: 0 });
  });
});

describe('sweep', () => {
  it('writes how far a running job is', async () => {
    await cloud.setFaults([
      { kind: 's3-error', status: 500, code: 'InternalError', keyIncludes: 'held-back' },
    ]);
    const rows = Array.from({ length: 600 }, (_, index) => `swept/${index},1`);
    const dropped = await cloud.drop('lists/swept.csv', csv('key,text', ...rows, 'held-back,1', 'bad,'), {
      options: KEPT_AS_IS,
    });
    await cloud.until('its block has closed', async () => {
      await cloud.trigger('sweep');
      const job = await jobOf(dropped);
      return (job?.progress?.done ?? 0) >= 500;
    });
    expect(await jobOf(dropped)).toMatchObject({ state: 'running', progress: { rows: 602, failed: 0 } });
    expect(cloud.metricsOf('sweep')).toMatchObject({ LiveJobs: expect.any(Number) });
    await cloud.setFaults([]);
    expect(await cloud.ended(dropped)).toMatchObject({ ...ALL_ENDED, rows: 602, stored: 601, rejected: 1 });
  });
});

/** The event of a job's end goes out just before its row tells of it. */
async function endedView(job: string): Promise<unknown> {
  let view: { endedAt?: string } = {};
  await cloud.until('the row tells of the end', async () => {
    view = (await (await fetch(`${cloud.endpoints.api}/jobs/${job}`)).json()) as { endedAt?: string };
    return view.endedAt !== undefined;
  });
  return view;
}

interface SeenJob {
  job: string;
  state: string;
  manifest: string;
  progress?: { rows: number; done: number };
}

async function jobOf(dropped: Dropped): Promise<SeenJob | undefined> {
  const { jobs } = (await (await fetch(`${cloud.endpoints.api}/jobs?limit=100`)).json()) as {
    jobs: SeenJob[];
  };
  return jobs.find(({ manifest }) => manifest === `s3://${cloud.names.inbox}/${dropped.key}`);
}

async function idle(queue: string): Promise<boolean> {
  const { visible, inFlight, delayed } = (await cloud.queueDepths())[queue] ?? {};
  return visible === 0 && inFlight === 0 && delayed === 0;
}

/** The emulator's faults name a queue by its name, not its address. */
function uploadQueueName(): string {
  return cloud.names.queues['UploadQueue']?.split('/').at(-1) ?? '';
}

function notificationOf({ key, versionId }: Dropped): string {
  return JSON.stringify({
    Records: [
      {
        eventName: 'ObjectCreated:Put',
        s3: {
          bucket: { name: cloud.names.inbox },
          object: { key: encodeURIComponent(key).replaceAll('%20', '+'), versionId, size: 1 },
        },
      },
    ],
  });
}

function itemMessage(change: object) {
  return {
    v: 1,
    job: '0123456789abcdef0123',
    slice: 0,
    block: 0,
    number: 0,
    line: 2,
    firstSentAtMs: Date.now(),
    attempts: 0,
    throttled: 0,
    returned: 0,
    reposted: 0,
    ...change,
  };
}
