// Every format that docs/manifests.md says may be compressed, in every compression, through the whole pipeline: dropped into the
// inbox and, where the API takes its type, posted.
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { duringTests } from '../helpers/during-tests.ts';
import { type PipelineCloud, SOURCE_BUCKET, startPipelineCloud } from '../helpers/pipeline-cloud.ts';

/** Of one job, also on a machine that does much else. */
const MOST_MS = 110_000;
const KEY = 'größe/a b+c.txt';
const ENCODED = 'gr%C3%B6%C3%9Fe/a+b%2Bc.txt';

const cloud = duringTests(startPipelineCloud);
beforeAll(async () => {
  await Promise.all([KEY, ...OTHERS].map((key) => cloud.put(SOURCE_BUCKET, key, 'copied')));
});

interface Format {
  /** The name of the manifest without the compression's ending. */
  name: string;
  /** One good row, or one of a missing source besides, and one bad row. */
  text: string;
  /** The good row's object. */
  content: string;
  rejected: string;
  /** Keys of further good rows. */
  others?: readonly string[];
  /** The type under which it is posted, where that of the compression does not say enough. */
  postedAs?: string;
}

const BATCH_TYPE = 'application/x-s3-batch-csv';
const source = `s3://${SOURCE_BUCKET}/${KEY}`;
/** Such a file is recognised by its first four rows. */
const OTHERS = ['b', 'c', 'd'];
const batchRows = [ENCODED, ...OTHERS, '50%'].map((key) => `${SOURCE_BUCKET},${key}\n`).join('');
const task = (key: string) => `${SOURCE_BUCKET},${key},,failed,404,NoSuchKey,Object not found\n`;
const execution = (item: object) => ({
  ExecutionArn: 'arn:aws:states:us-east-1:111122223333:execution:map/a:b',
  Input: JSON.stringify(item),
  InputDetails: { Included: true },
  Name: 'b',
  Status: 'FAILED',
});

const FORMATS: Record<string, Format> = {
  CSV: {
    name: 'list.csv',
    text: `key,source\n"${KEY}","${source}"\nbad,nowhere\n`,
    content: 'copied',
    rejected: 'SourceInvalid',
  },
  TSV: {
    name: 'list.tsv',
    text: `key\tsource\n${KEY}\t${source}\nbad\tnowhere\n`,
    content: 'copied',
    rejected: 'SourceInvalid',
  },
  'CSV of S3 Batch Operations': {
    others: OTHERS,
    postedAs: BATCH_TYPE,
    name: 'list.csv',
    text: batchRows,
    content: 'copied',
    rejected: 'KeyEncoding',
  },
  'the same under its own name': {
    others: OTHERS,
    postedAs: BATCH_TYPE,
    name: 'list.batch-csv',
    text: batchRows,
    content: 'copied',
    rejected: 'KeyEncoding',
  },
  NDJSON: {
    name: 'list.ndjson',
    text: `${JSON.stringify({ key: KEY, text: 'own' })}\n{"key":"bad","source":"nowhere"}\n`,
    content: 'own',
    rejected: 'SourceInvalid',
  },
  'a JSON array': {
    name: 'list.json',
    text: JSON.stringify([{ key: KEY, text: 'own' }, { key: 'bad' }], undefined, 2),
    content: 'own',
    rejected: 'PayloadMissing',
  },
  'results of S3 Batch Operations': {
    name: 'results.csv',
    text: `${task(ENCODED)}${SOURCE_BUCKET},done,,succeeded,200,,Successful\n${task('x'.repeat(1_025))}`,
    content: 'copied',
    rejected: 'KeyTooLong',
  },
  'results of a Distributed Map': {
    name: 'FAILED_0.json',
    text: JSON.stringify([execution({ key: KEY, text: 'own' }), execution({ key: '', text: 'bad' })]),
    content: 'own',
    rejected: 'KeyMissing',
  },
};

const COMPRESSIONS = {
  gz: { compress: gzipSync, contentType: 'application/gzip' },
  zst: { compress: zstdCompressSync, contentType: 'application/zstd' },
};

const CASES = Object.entries(FORMATS).flatMap(([format, about]) =>
  Object.entries(COMPRESSIONS).map(([ending, compression]) => ({ format, ending, ...about, ...compression })),
);

describe.each(CASES)(
  '$format in .$ending',
  ({ name, text, content, rejected, others = [], postedAs, ending, compress, contentType }) => {
    const folderOf = (way: string) => `${name}.${ending}/${content.length}-${text.length}/${way}`;
    const optionsOf = (way: string) => ({
      spread: 'off',
      destination: `s3://${cloud.names.destination}/${folderOf(way)}/`,
      'max-failed-percent': '100',
    });

    async function expectRows(way: string, of: Parameters<PipelineCloud['ended']>[0]): Promise<void> {
      const end = await cloud.ended(of, MOST_MS);
      const good = 1 + others.length;
      const counts = { rows: good + 1, stored: good, rejected: 1, unaccounted: 0 };
      expect(end).toMatchObject({ state: 'completed', ...counts });
      const written = await cloud.keys(cloud.names.destination, `${folderOf(way)}/`);
      expect(written.toSorted()).toEqual([KEY, ...others].map((key) => `${folderOf(way)}/${key}`).toSorted());
      for (const key of written) expect(String(await cloud.read(cloud.names.destination, key))).toBe(content);
      const stored = (await cloud.rows(end, 'succeeded')).map(({ key }) => key);
      expect(stored.toSorted()).toEqual([KEY, ...others].toSorted());
      expect(await cloud.rows(end, 'rejected')).toMatchObject([{ spillway_code: rejected }]);
    }

    it('is read when it is dropped', async () => {
      const body = compress(text);
      await expectRows(
        'dropped',
        await cloud.drop(`lists/${name}.${ending}`, body, { options: optionsOf('dropped') }),
      );
    });

    it('is read when it is posted', async () => {
      const query = new URLSearchParams(optionsOf('posted'));
      const answer = await fetch(`${cloud.endpoints.api}/jobs?${query}`, {
        method: 'POST',
        headers: { 'content-type': postedAs ?? contentType },
        body: compress(text),
      });
      const answered = (await answer.json()) as { job: string };
      expect({ status: answer.status, answered }).toMatchObject({ status: 202 });
      await expectRows('posted', answered.job);
    });
  },
);
