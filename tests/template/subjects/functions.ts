// The functions as they are packaged: their bundles, settings and permissions.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { embeddedWeb, setEmbeddedWeb } from '../../../functions/runtime/embedded-web.ts';
import { defaults } from '../../../infrastructure/parameters.js';
import { settings } from '../../../infrastructure/params.js';
import { RECEIVES_BEFORE_REPOST } from '../../../shared/queue/give-back.ts';
import { CONFIGURATIONS } from '../../helpers/configurations.ts';
import { zipEntries } from '../../helpers/zip.ts';
import {
  capital,
  environment,
  FUNCTIONS,
  grants,
  KMS_KEY,
  lambda,
  mappings,
  properties,
  readFolder,
  type Statement,
  service,
  sourceOf,
  stageOf,
} from '../stack.ts';

/** Buckets that a function learns of from events and the ledger: manifests lie in the inbox, and a job names its destination. */
const NAMED_BY_ROWS: Record<string, string[]> = {
  ingest: ['InboxBucket'],
  settle: ['InboxBucket'],
  deadLetters: ['InboxBucket'],
  upload: ['DestinationBucket'],
};

/** A function of about this size starts in well under a second. */
const UPLOAD_BUNDLE_BYTES = 540_000;
/** Of these, what a cold start reads, and in how many files: each costs it about a millisecond. */
const UPLOAD_START = { bytes: 475_000, files: 3 };

/** The default of every parameter, by the name that its helper asks for. */
const DEFAULTS = Object.fromEntries(
  Object.entries(defaults).map(([name, value]) => [`param:${name}`, String(value)]),
);

/** What a fresh process prints that loads a packaged function: an expression, of which `handler` is the function's. */
async function printedBy(name: (typeof FUNCTIONS)[number], expression: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spillway-zip-'));
  try {
    for (const entry of zipEntries(await service.readZip(name)))
      await writeFile(path.join(folder, path.basename(entry.name)), entry.read());
    const file = path.join(folder, 'handler.mjs');
    const load = `const { handler } = await import('${pathToFileURL(file).href}'); console.log(${expression})`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', load]);
    return stdout.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of a packaged function that the import of its handler reads, by name. */
async function startFiles(name: (typeof FUNCTIONS)[number]): Promise<Map<string, string>> {
  const zipped = new Map(
    zipEntries(await service.readZip(name)).map((entry) => [path.basename(entry.name), String(entry.read())]),
  );
  const read = new Map<string, string>();
  const names = new Set(['handler.mjs']);
  // A set is gone through to its end, also where it grows meanwhile.
  for (const each of names) {
    const code = zipped.get(each) ?? '';
    read.set(each, code);
    // Static imports alone: one on demand is followed by a parenthesis.
    for (const [, imported = ''] of code.matchAll(/\b(?:import|from)\s*"\.\/([\w-]+\.mjs)"/g))
      names.add(imported);
  }
  return read;
}

describe.each(FUNCTIONS)('the function %s', (name) => {
  it('runs on Node 24 on arm64, from its own bundle', async () => {
    expect(lambda(name)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: `functions/${stageOf(name)}/handler.handler`,
      Tags: expect.arrayContaining([{ Key: 'project', Value: 'spillway' }]),
    });
    const entries = zipEntries(await service.readZip(name));
    const folder = `functions/${stageOf(name)}`;
    expect(entries.map((entry) => entry.name)).toContain(`${folder}/handler.mjs`);
    // Nothing of another function's, and nothing that was not built.
    expect(entries.filter((entry) => !/^[\w-]+\.mjs$/.test(path.relative(folder, entry.name)))).toEqual([]);
  });

  it('loads from its zip alone', async () => {
    expect(await printedBy(name, 'typeof handler')).toBe('function');
  });

  it('keeps its logs for a while, under its own name', () => {
    expect(properties(`${capital(name)}LogGroup`)).toMatchObject({
      LogGroupName: `/aws/lambda/${lambda(name)['FunctionName']}`,
      RetentionInDays: 30,
    });
  });

  it('has a role that no other function has, for Lambda alone', () => {
    expect(lambda(name)['Role']).toBe(`<${capital(name)}Role.Arn>`);
    expect(properties(`${capital(name)}Role`)).toMatchObject({
      AssumeRolePolicyDocument: {
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
    });
    expect(properties(`${capital(name)}Role`)['ManagedPolicyArns']).toEqual([]);
  });

  it('writes logs to its own group only', () => {
    const logs = grants(name).filter((grant) => grant.startsWith('logs:'));
    const group = `arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/lambda/${lambda(name)['FunctionName']}:*`;
    expect(logs).toEqual([`logs:CreateLogStream ${group}`, `logs:PutLogEvents ${group}`]);
  });

  it('reaches nothing that its environment or its event sources do not name', () => {
    const sources = mappings(name).map(({ EventSourceArn }) =>
      String(EventSourceArn).slice(1, -'.Arn>'.length),
    );
    const named = Object.values(environment(name)).flatMap((value) => [
      ...String(value).matchAll(/<(\w+)>/g),
    ]);
    const known = new Set([...sources, ...named.map(([, id]) => id)]);
    for (const id of NAMED_BY_ROWS[name] ?? []) known.add(id);
    for (const grant of grants(name)) {
      const reached = /<(\w+)\.Arn>/.exec(grant)?.[1];
      if (reached !== undefined) expect(known, grant).toContain(reached);
    }
  });

  it('receives from its own queues only', () => {
    const sources = mappings(name).map(({ EventSourceArn }) => `sqs:ReceiveMessage ${EventSourceArn}`);
    expect(grants(name).filter((grant) => grant.startsWith('sqs:ReceiveMessage'))).toEqual(sources);
  });

  it('names its metrics by its own name', () => {
    expect(environment(name)).toMatchObject({
      POWERTOOLS_SERVICE_NAME: lambda(name)['FunctionName'],
      POWERTOOLS_METRICS_NAMESPACE: 'Spillway',
      POWERTOOLS_LOG_LEVEL: 'INFO',
    });
  });
});

it('reposts a throttled message before its receives lead to the dead letters', () => {
  const { maxReceiveCount } = properties('UploadQueue')['RedrivePolicy'] as { maxReceiveCount: number };
  expect(RECEIVES_BEFORE_REPOST).toBeLessThan(maxReceiveCount);
});

it.each(['ingest', 'upload', 'settle'])(
  'lets the receives of a failed message of %s span ten minutes',
  (name) => {
    const { maxReceiveCount } = properties(`${capital(name)}Queue`)['RedrivePolicy'] as {
      maxReceiveCount: number;
    };
    const delays = (environment(name)['SPILLWAY_RETRY_SECONDS'] ?? '').split(',').map(Number);
    const spanSeconds = delays.slice(0, maxReceiveCount - 1).reduce((sum, seconds) => sum + seconds, 0);
    expect(delays).toHaveLength(maxReceiveCount - 1);
    expect(spanSeconds).toBeGreaterThanOrEqual(600);
  },
);

it('keeps upload’s bundle small, and of that what its start reads', async () => {
  const entries = zipEntries(await service.readZip('upload'));
  const bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(bytes).toBeLessThanOrEqual(UPLOAD_BUNDLE_BYTES);
  const files = [...(await startFiles('upload')).values()];
  expect(files.reduce((sum, code) => sum + Buffer.byteLength(code), 0)).toBeLessThanOrEqual(
    UPLOAD_START.bytes,
  );
  expect(files.length).toBeLessThanOrEqual(UPLOAD_START.files);
});

it('starts upload without modules of Node that only other programs need', async () => {
  const loaded = await printedBy('upload', `process.moduleLoadList.join('\\n')`);
  expect(loaded).toContain('NativeModule https');
  // Each takes about a millisecond of every cold start.
  expect(loaded).not.toMatch(
    /NativeModule (?:worker_threads|internal\/blocklist|internal\/webstreams\/readablestream)$/m,
  );
});

it('starts upload without the code of queues, and of sources but the row itself', async () => {
  const code = [...(await startFiles('upload')).values()].join('\n');
  const onDemand = ['SQSClient', 'redirects more than', 'SourceArchived'];
  expect(onDemand.filter((text) => code.includes(text))).toEqual([]);
  const all = zipEntries(await service.readZip('upload')).map((entry) => String(entry.read()));
  expect(onDemand.filter((text) => !all.join('\n').includes(text))).toEqual([]);
});

it('starts upload without schemas of zod, and without sets of Unicode in literals', async () => {
  const code = [...(await startFiles('upload')).values()].join('\n');
  expect(code).toContain('S3Client');
  // Its code and the schemas of messages took two milliseconds of every cold start.
  expect(code).not.toContain('ZodMini');
  // V8 resolves such a set when it parses the literal, a millisecond for all there were.
  expect(code.replaceAll(/String\.raw`[^`]*`/g, '')).not.toMatch(/(?<!\\)\\p\{/);
});

describe('the configuration of the functions', () => {
  it.each(FUNCTIONS)('gives %s the variables of its schema, and no others', (name) => {
    const given = Object.keys(environment(name)).filter((variable) => variable.startsWith('SPILLWAY_'));
    expect(given.sort()).toEqual(Object.keys(CONFIGURATIONS[name]).sort());
  });

  it.each(FUNCTIONS)('has no variable that %s does not use', (name) => {
    for (const variable of Object.keys(CONFIGURATIONS[name])) {
      const uses = [sourceOf(name), readFolder('runtime')]
        .join('')
        .match(new RegExp(`\\.${variable}\\b`, 'g'));
      expect(uses, variable).not.toBeNull();
    }
  });

  it('lists the stack’s own destination first, and the sources that were allowed', () => {
    expect(environment('ingest')).toMatchObject({
      SPILLWAY_DESTINATION_BUCKETS: '<DestinationBucket>,second-home',
      SPILLWAY_SOURCE_BUCKETS: 'legacy-images,archive.2019@210987654321,open-data@any',
      SPILLWAY_KMS_KEYS: KMS_KEY,
    });
  });

  it('allows hosts of the web to ingest and upload, names them to the API, and has none by default', () => {
    for (const name of FUNCTIONS) {
      const allowed = ['ingest', 'upload', 'api'].includes(name)
        ? 'files.example.com,*.example.org'
        : undefined;
      expect(environment(name)['SPILLWAY_SOURCE_HOSTS']).toBe(allowed);
    }
    expect(DEFAULTS['param:sourceHosts']).toBe('');
  });

  it('has no way to reach a host at another address than its own', () => {
    // What the embedded cloud sets is no variable, and no code of a bundle sets it.
    expect(JSON.stringify(service.template)).not.toMatch(/embedded|loopback|127\.0\.0\.1/i);
    for (const name of FUNCTIONS) {
      expect(Object.keys(environment(name)).filter((variable) => /PROXY|NODE_|CA_/.test(variable))).toEqual(
        [],
      );
    }
    expect(embeddedWeb()).toBeUndefined();
    setEmbeddedWeb({ hosts: {}, ca: '' });
    expect(embeddedWeb()).toEqual({ hosts: {}, ca: '' });
  });
});

describe('upload alone', () => {
  const onObjects = (bucket: string): string => `arn:<AWS::Partition>:s3:::${bucket}/*`;

  it('writes to the destinations', () => {
    const destinations = ['<DestinationBucket.Arn>/*', onObjects('second-home')];
    for (const destination of destinations) expect(grants('upload')).toContain(`s3:PutObject ${destination}`);
    for (const other of FUNCTIONS.filter((name) => name !== 'upload')) {
      for (const grant of grants(other)) expect(grant).not.toMatch(/DestinationBucket|second-home/);
    }
  });

  it('reads the source buckets, and only those that were listed', () => {
    const reads = grants('upload').filter((grant) => grant.startsWith('s3:GetObject '));
    const allowed = ['legacy-images', 'archive.2019', 'open-data'].map(
      (bucket) => `s3:GetObject ${onObjects(bucket)}`,
    );
    expect(
      reads.filter((grant) => !grant.includes('<DestinationBucket') && !grant.includes('second-home')),
    ).toEqual(allowed);
    for (const other of FUNCTIONS.filter((name) => name !== 'upload' && name !== 'ingest')) {
      for (const grant of grants(other)) expect(grant).not.toMatch(/legacy-images|archive|open-data/);
    }
  });

  it('goes on with, and ends, copies in parts in destinations alone', () => {
    const actions = ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];
    const places = ['<DestinationBucket.Arn>/*', 'arn:<AWS::Partition>:s3:::second-home/*'];
    expect(
      grants('upload')
        .filter((grant) => /Multipart/.test(grant))
        .toSorted(),
    ).toEqual(actions.flatMap((action) => places.map((place) => `${action} ${place}`)).toSorted());
  });

  it('shares the source buckets with ingest, which reads the files of lists there and does nothing else', () => {
    const allowed = ['legacy-images', 'archive.2019', 'open-data'].map(
      (bucket) => `s3:GetObject ${onObjects(bucket)}`,
    );
    expect(grants('ingest').filter((grant) => /legacy-images|archive|open-data/.test(grant))).toEqual(
      allowed,
    );
  });

  it('lists sources and destinations, so that S3 says what is missing', () => {
    const lists = grants('upload').filter((grant) => grant.startsWith('s3:ListBucket'));
    expect(lists).toEqual([
      's3:ListBucket <DestinationBucket.Arn>',
      ...['second-home', 'legacy-images', 'archive.2019', 'open-data'].map(
        (bucket) => `s3:ListBucket arn:<AWS::Partition>:s3:::${bucket}`,
      ),
    ]);
  });

  it('reads no source when none is listed', async () => {
    const values: Record<string, string> = {
      ...DEFAULTS,
      'self:service': 'spillway',
      'sls:stage': 'dev',
      'self:provider.region': 'us-east-1',
    };
    const { transferStatements } = await settings({ resolveVariable: async (name) => values[name] });
    expect(transferStatements.flatMap((each) => (each as Statement).Action)).not.toContain(
      's3:GetObjectVersion',
    );
  });
});
