// The commands that free the names of a removed stage, as a shell and the AWS CLI run them, on moto.
import { execFile, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { retainedResources } from '../../local/service/leftovers.ts';
import { SERVICE_FILE } from '../../local/service/read-service.ts';
import { hasMoto, type MotoServer, motoNote, startMoto } from '../helpers/moto-server.ts';

const REGION = 'us-east-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const hasAws = spawnSync('aws', ['--version']).status === 0;
const note = hasAws ? motoNote : ' (skipped: the AWS CLI is not installed)';
/** Linux takes 131,072 bytes in one argument of a command. The keys of these are 200,000. */
const OBJECTS = 200;
const LONG_NAME = 'n'.repeat(990);

const run = promisify(execFile);
let moto: MotoServer;
let s3: S3Client;

describe.skipIf(!hasMoto || !hasAws)(`the names of a removed stage${note}`, { timeout: 300_000 }, () => {
  beforeAll(async () => {
    moto = await startMoto();
    s3 = new S3Client({ endpoint: moto.endpoint, region: REGION, credentials, forcePathStyle: true });
  }, 300_000);
  afterAll(async () => {
    s3?.destroy();
    await moto?.stop();
  });

  it('are freed of more versions than a command line holds, of deleted objects and of strange keys', async () => {
    const place = { stage: 'dev', region: REGION, accountId: '123456789012' };
    const [inbox] = await retainedResources(SERVICE_FILE, place);
    const Bucket = inbox?.name ?? '';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const keys = Array.from({ length: OBJECTS }, (_, number) => `${number}/${LONG_NAME}`);
    for (const Key of [...keys, 'twice', 'twice', 'ü "and" $HOME \\ `x`'])
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'twice' }));

    const { PATH = '' } = process.env;
    const keyPair = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const env = { PATH, HOME: tmpdir(), AWS_ENDPOINT_URL: moto.endpoint, ...keyPair };
    for (const command of inbox?.free ?? []) await run('sh', ['-euc', command], { env });
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).not.toContain(Bucket);
  });
});
