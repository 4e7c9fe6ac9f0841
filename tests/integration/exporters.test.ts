// What exporters and older tools bring, on the whole pipeline: folders of Spark, Excel's first line, numbers without quotes,
// buckets with old names, keys that are URL-encoded or that S3 refuses.
import { describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

const OLD_SOURCE = 'Legacy_Images';
const OLD_DESTINATION = 'My_Company_Backups'.padEnd(80, 'x');
const OFF = { spread: 'off' };

describe('what exporters write', () => {
  const cloud = duringTests(() =>
    startPipelineCloud({
      params: {
        sourceBuckets: `${SOURCE_BUCKET},${OLD_SOURCE}`,
        destinationBuckets: OLD_DESTINATION,
      },
      buckets: [OLD_SOURCE, OLD_DESTINATION],
    }),
  );

  const stored = async (key: string, bucket = cloud.names.destination) =>
    (await cloud.read(bucket, key))?.toString();

  it('makes jobs of the parts of a folder alone, and one log line of each marker', async () => {
    const markers = ['spark/_SUCCESS', 'spark/.part-0.csv.crc', 'spark/_temporary/0/part-0.csv', 'spark/'];
    for (const key of markers) await cloud.drop(key, Buffer.from(key.endsWith('/') ? '' : 'x'));
    const end = await cloud.ended(
      await cloud.drop('spark/part-0.csv', 'key,text\nspark,1\n', { options: OFF }),
    );
    expect(end).toMatchObject({ state: 'completed', stored: 1 });
    const lines = () =>
      cloud
        .logs()
        .filter(({ line }) =>
          line.includes('folder markers, hidden names and delivered parts are no manifests'),
        );
    await cloud.until('each marker is logged', () =>
      markers.every((key) =>
        lines().some(({ line }) => line.includes(JSON.stringify(`"${key}"`).slice(1, -1))),
      ),
    );
    const { jobs } = (await (await fetch(`${cloud.endpoints.api}/jobs`)).json()) as {
      jobs: { manifest: string }[];
    };
    expect(jobs.filter(({ manifest }) => manifest.includes('/spark/'))).toHaveLength(1);
    expect(cloud.metricsOf('ingest')['JobsFailed'] ?? 0).toBe(0);
  });

  it("passes over Excel's line sep=, and keeps each row on its line", async () => {
    const body = 'sep=,\r\nkey,text\r\nexcel,one\r\nshort\r\n';
    const end = await cloud.ended(await cloud.drop('excel.csv', body, { options: OFF }));
    expect(end).toMatchObject({ state: 'completed', stored: 1, rejected: 1 });
    expect(await stored('excel')).toBe('one');
    expect(await cloud.rows(end, 'rejected')).toMatchObject([{ spillway_place: 'line 4' }]);
  });

  it('takes numbers by their digits, from the inbox and from the API', async () => {
    const rows = ['{"key":20240101,"text":5}', '{"key":9007199254740993,"text":"x"}'];
    const dropped = await cloud.drop('numbers.ndjson', rows.join('\n'), { options: OFF });
    const answer = await fetch(`${cloud.endpoints.api}/jobs?spread=off`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"rows":[{"key":20240102,"text":6},{"key":1.10,"text":"x"}]}',
    });
    const { job } = (await answer.json()) as { job: string };
    for (const of of [dropped, job]) {
      const end = await cloud.ended(of);
      expect(end).toMatchObject({ state: 'completed', stored: 1, rejected: 1 });
      expect(await cloud.rows(end, 'rejected')).toMatchObject([{ spillway_code: 'WrongType' }]);
    }
    expect([await stored('20240101'), await stored('20240102')]).toEqual(['5', '6']);
  });

  it('copies from and to buckets with old names, with and without a content type', async () => {
    await cloud.put(OLD_SOURCE, 'ä b.txt', 'old');
    const body =
      'key,source,content_type\n' +
      `plain,s3://${OLD_SOURCE}/ä b.txt,\n` +
      `typed,s3://${OLD_SOURCE}/ä b.txt,text/html\n` +
      'other,s3://Other_Images/x,\n';
    const options = { ...OFF, destination: `s3://${OLD_DESTINATION}/2026` };
    const end = await cloud.ended(await cloud.drop('old.csv', body, { options }));
    expect(end).toMatchObject({ state: 'completed', stored: 2, rejected: 1 });
    expect(await cloud.rows(end, 'rejected')).toMatchObject([
      { spillway_code: 'SourceNotAllowed', spillway_message: expect.stringMatching(/"Other_Images"/) },
    ]);
    expect(await stored('2026/plain', OLD_DESTINATION)).toBe('old');
    expect(await stored('2026/typed', OLD_DESTINATION)).toBe('old');
  });

  it('says of a missing source that its key looks URL-encoded', async () => {
    await cloud.put(SOURCE_BUCKET, 'a b+ü.txt', 'hi');
    const encoded = `s3://${SOURCE_BUCKET}/a%20b%2B%C3%BC.txt`;
    const body = `key,source,content_type\na,${encoded},\nb,${encoded},text/html\n`;
    const end = await cloud.ended(await cloud.drop('encoded.csv', body, { options: OFF }));
    expect(end).toMatchObject({ failed: 2 });
    for (const row of await cloud.rows(end, 'failed')) {
      expect(row).toMatchObject({
        spillway_code: 'NoSuchKey',
        spillway_message: expect.stringMatching(/looks URL-encoded.*raw keys: here perhaps a b\+ü\.txt$/),
      });
    }
  });

  it('rejects keys that S3 refuses by what they are behind prefix and spread', async () => {
    const body = 'key,text\nsoap,1\n../up,2\na/../in,3\n';
    const [bare, within, spread] = await Promise.all(
      [OFF, { ...OFF, destination: `s3://${OLD_DESTINATION}/in` }, { spread: 'binary' }].map(
        async (options, index) => cloud.ended(await cloud.drop(`refused-${index}.csv`, body, { options })),
      ),
    );
    expect(bare).toMatchObject({ state: 'completed', stored: 1, rejected: 2 });
    expect(within).toMatchObject({ state: 'completed', stored: 3, rejected: 0 });
    expect(spread).toMatchObject({ state: 'completed', stored: 3, rejected: 0 });
    expect(await cloud.rows(bare!, 'rejected')).toMatchObject([
      { key: 'soap', spillway_code: 'KeyRefused', spillway_message: expect.stringMatching(/"soap"/) },
      { key: '../up', spillway_code: 'KeyRefused', spillway_message: expect.stringMatching(/segments/) },
    ]);
  });
});
