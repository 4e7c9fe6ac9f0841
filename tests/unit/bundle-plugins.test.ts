// The plugins of serverless.yml's bundles: smaller, and the same to the code that runs.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { describe, expect, it } from 'vitest';
import plugins from '../../infrastructure/bundle-plugins.cjs';
import { createBundler } from '../../local/service/bundle.ts';
import { SERVICE_FILE } from '../../local/service/read-service.ts';
import { duringTests } from '../helpers/during-tests.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const HOUSE = fileURLToPath(new URL('../../', import.meta.url));

const folder = duringTests(temporaryFolder);

/** The exports of a module of the SDK, bundled. */
async function exportsOf(file: string, used: Plugin[]): Promise<Record<string, unknown>> {
  const outfile = path.join(
    folder.path,
    `${path.basename(path.dirname(path.resolve(file, '../..')))}-${used.length}.mjs`,
  );
  const entryPoints = [path.join(HOUSE, 'node_modules', file)];
  await build({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', plugins: used });
  return import(pathToFileURL(outfile).href);
}

/** Schemas as plain data: a function in one returns the schema that it refers to, of which the name is enough. */
function plain(value: unknown): unknown {
  if (typeof value === 'symbol') return String(value);
  if (typeof value === 'function') {
    if (/^class /.test(String(value))) return `class ${value.name}`;
    const referred: unknown = value();
    return Array.isArray(referred) ? { refersTo: referred.slice(0, 3) } : { refersTo: referred };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, plain(inner)]);
  return Object.getPrototypeOf(value) === Object.prototype
    ? Object.fromEntries(entries)
    : value.constructor.name;
}

describe.each(['s3', 'sqs', 'dynamodb', 'eventbridge'])('the schemas of %s', (client) => {
  it('are the same, member for member, with plain names', async () => {
    const file = `@aws-sdk/client-${client}/dist-es/schemas/schemas_0.js`;
    const [before, after] = [await exportsOf(file, []), await exportsOf(file, plugins)];
    expect(Object.keys(after).length).toBeGreaterThan(10);
    expect(plain({ ...after })).toEqual(plain({ ...before }));
  });
});

describe('a bundle', () => {
  it('holds the shapes of its own operations, and versions, and nothing else of either', async () => {
    const bundle = await createBundler(SERVICE_FILE);
    const source = `import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
export const client = new S3Client({ region: 'us-east-1' });
export const command = new HeadObjectCommand({ Bucket: 'b', Key: 'k' });`;
    const { file, bytes, startBytes } = await bundle(
      { kind: 'text', source, folder: HOUSE },
      path.join(folder.path, 'bundle'),
    );
    const names = await readdir(path.dirname(file));
    const texts = await Promise.all(
      names.map((name) => readFile(path.join(path.dirname(file), name), 'utf8')),
    );
    const text = texts.join('\n');
    expect(texts.reduce((sum, each) => sum + Buffer.byteLength(each), 0)).toBe(bytes);
    expect(startBytes).toBeLessThanOrEqual(bytes);
    expect(text.includes('HeadObjectRequest')).toBe(true);
    const unused = ['PutBucketWebsite', 'AnalyticsConfiguration', 'devDependencies', 'initial-response'];
    expect(unused.filter((word) => text.includes(word))).toEqual([]);
    const { client } = (await import(pathToFileURL(file).href)) as {
      client: { config: { defaultUserAgentProvider(): Promise<string[][]> } };
    };
    const agent = await client.config.defaultUserAgentProvider();
    expect(agent).toContainEqual(['aws-sdk-js', expect.stringMatching(/^3\.\d+\.\d+$/)]);
  });
});
