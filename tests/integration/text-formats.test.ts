// Lists as other tools write them, job files, and keys from templates, through the whole pipeline.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../shared/job/view.ts';
import { destinationKey } from '../../shared/keys/spread.ts';
import { duringTests } from '../helpers/during-tests.ts';
import {
  type JobEnd,
  type PipelineCloud,
  SOURCE_BUCKET,
  startPipelineCloud,
} from '../helpers/pipeline-cloud.ts';

const cloud = duringTests(startPipelineCloud);

const off = { spread: 'off' };
const read = async (key: string) => (await cloud.read(cloud.names.destination, key))?.toString();
const dropped = async (...drop: Parameters<PipelineCloud['drop']>): Promise<JobEnd> =>
  cloud.ended(await cloud.drop(...drop));
const codes = async (end: JobEnd, kind: 'failed' | 'rejected') =>
  (await cloud.rows(end, kind)).map(({ spillway_code: code, spillway_place: place }) => `${place}: ${code}`);

describe('a list in another text format', () => {
  it('is read as TSV, also under the name of CSV', async () => {
    const tsv = 'key\ttext\ntsv/a,b\thello, world\n"tsv/c\td"\t"two\nlines"\n';
    for (const name of ['lists/objects.tsv', 'lists/from-excel.csv']) {
      const end = await dropped(name, tsv, { options: off });
      expect(end).toMatchObject({ state: 'completed', rows: 2, stored: 2, unaccounted: 0 });
    }
    expect(await read('tsv/a,b')).toBe('hello, world');
    expect(await read('tsv/c\td')).toBe('two\nlines');
  });

  it('is read as TSV and as S3 Batch Operations writes it when it is compressed', async () => {
    const tsv = gzipSync('key\ttext\npacked/a,b\thello, world\n');
    expect(await dropped('lists/packed.tsv.gz', tsv, { options: off })).toMatchObject({ rows: 1, stored: 1 });
    expect(await read('packed/a,b')).toBe('hello, world');
    await cloud.put(SOURCE_BUCKET, 'packed/a b+c.txt', 'copied');
    const names = ['a+b%2Bc.txt', 'missing', 'c', 'd', '50%'];
    const batch = gzipSync(names.map((name) => `${SOURCE_BUCKET},packed/${name}\n`).join(''));
    const end = await dropped('lists/batch.csv.gz', batch, { options: off });
    expect(end).toMatchObject({ state: 'completed', rows: 5, stored: 1, failed: 3, rejected: 1 });
    expect(await read('packed/a b+c.txt')).toBe('copied');
    expect(await codes(end, 'rejected')).toEqual(['line 5: KeyEncoding']);
  });

  it('is read as S3 Batch Operations writes it: copies under decoded keys', async () => {
    await Promise.all(['batch/a b+c.txt', 'batch/größe'].map((key) => cloud.put(SOURCE_BUCKET, key, key)));
    const rows = ['batch/a+b%2Bc.txt', 'batch/gr%C3%B6%C3%9Fe', 'batch/missing', 'batch/d', 'batch/50%'];
    const csv = rows.map((key) => `${SOURCE_BUCKET},${key}\n`).join('');
    const end = await dropped('lists/batch.csv', csv, { options: off });
    expect(end).toMatchObject({ state: 'completed', rows: 5, stored: 2, failed: 2, rejected: 1 });
    expect(await read('batch/a b+c.txt')).toBe('batch/a b+c.txt');
    expect(await read('batch/größe')).toBe('batch/größe');
    expect(await codes(end, 'rejected')).toEqual(['line 5: KeyEncoding']);
    const [failed] = await cloud.rows(end, 'failed');
    expect(failed).toMatchObject({
      source: `s3://${SOURCE_BUCKET}/${failed?.['key']}`,
      spillway_code: 'NoSuchKey',
    });
  });
});

describe('a job file', () => {
  it('starts a job of the manifest that it names, whose hidden name starts none', async () => {
    await cloud.put(cloud.names.inbox, 'jobs/_list.csv', 'key,text\njob-file/a,1\njob-file/b,2\n');
    const yaml = `manifest: _list.csv\noptions:\n  destination: s3://${cloud.names.destination}/from-file\n  spread: hex:2\n`;
    const end = await dropped('jobs/nightly.job.yaml', yaml, { options: off });
    expect(end).toMatchObject({ state: 'completed', rows: 2, stored: 2, unaccounted: 0 });
    expect(end.manifest.key).toBe('jobs/nightly.job.yaml');
    expect(await read('from-file/job-file/a')).toBe('1');
  });

  it('starts a job of a compressed manifest, with a key template of columns of its own', async () => {
    const list = gzipSync('key,text,album\n1.txt,one,summer\n2.txt,two,winter\n3.txt,three,\n');
    await cloud.put(cloud.names.inbox, 'jobs/_x.csv.gz', list);
    const options = { spread: 'off', 'key-template': 'packed/{column:album}/{key}' };
    const end = await dropped('jobs/x.job.json', JSON.stringify({ manifest: '_x.csv.gz', options }));
    expect(end).toMatchObject({ state: 'completed', rows: 3, stored: 2, rejected: 1, unaccounted: 0 });
    expect(await read('packed/summer/1.txt')).toBe('one');
    expect(await read('packed/winter/2.txt')).toBe('two');
    expect(await codes(end, 'rejected')).toEqual(['line 4: TemplateColumnMissing']);
  });

  it('that is wrong fails its job, with every fault', async () => {
    const end = await dropped('jobs/wrong.job.json', '{"manifst":"x","options":{"spread":"on"}}');
    expect(end).toMatchObject({ state: 'failed', rows: 0, fault: { code: 'InvalidJobFile' } });
    expect(end.fault?.message).toMatch(/unknown "manifst".*manifest is missing.*spread "on" is none of/);
  });
});

describe('a key template', () => {
  it('makes the key of each object, of a column that it alone knows, and again in the redrive', async () => {
    const source = (key: string) => `s3://${SOURCE_BUCKET}/${key}`;
    await cloud.put(SOURCE_BUCKET, 'template/a', 'A');
    const rows = [
      `in/a.txt,summer,${source('template/a')}`,
      `in/b.txt,winter,${source('template/b')}`,
      `in/c.txt,,${source('template/a')}`,
      `out/d.txt,x,${source('template/a')}`,
      `in/x/a.txt,summer,${source('template/a')}`,
    ];
    const options = {
      spread: 'hex:3',
      'key-template': '{column:album}/{stem}{ext}.bak',
      'strip-prefix': 'in/',
    };
    const end = await dropped('lists/template.csv', ['key,album,source', ...rows, ''].join('\n'), {
      options,
    });
    expect(end).toMatchObject({ state: 'completed', rows: 5, stored: 1, failed: 1, rejected: 3 });
    expect(await codes(end, 'rejected')).toEqual([
      'line 4: TemplateColumnMissing',
      'line 5: AffixMissing',
      'line 6: DuplicateKey',
    ]);
    const at = (key: string) => destinationKey(key, { kind: 'hex', digits: 3 });
    expect(await read(at('summer/a.txt.bak'))).toBe('A');
    expect(await cloud.rows(end, 'failed')).toMatchObject([{ key: 'in/b.txt', album: 'winter' }]);

    await cloud.put(SOURCE_BUCKET, 'template/b', 'B');
    const answer = await fetch(`${cloud.endpoints.api}/jobs/${end.job}/redrive`, { method: 'POST' });
    const { job } = (await answer.json()) as JobView;
    expect(await cloud.ended(job)).toMatchObject({ state: 'completed', rows: 1, stored: 1 });
    expect(await read(at('winter/b.txt.bak'))).toBe('B');
  });

  it('is refused by the API before anything is sent', async () => {
    const post = (template: string) =>
      fetch(`${cloud.endpoints.api}/jobs?key-template=${encodeURIComponent(template)}`, {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body: 'key,text\na,b\n',
      });
    const unknown = await post('{kye}');
    expect(unknown.status).toBe(400);
    expect(await unknown.text()).toMatch(/\{kye\} is no placeholder/);
    const missing = await post('{column:album}/{key}');
    expect(missing.status).toBe(400);
    expect(await missing.text()).toMatch(/names columns that the header lacks: .*album/);
  });
});
