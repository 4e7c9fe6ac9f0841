// The embedded S3, SQS and DynamoDB alone, with a client of each that tries nothing twice.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Emulators, type EmulatorsOptions, startEmulators } from '../../local/aws/emulators.ts';

const REGION = 'us-east-1';

export interface Embedded {
  emulators: Emulators;
  s3: S3Client;
  sqs: SQSClient;
  dynamodb: DynamoDBClient;
  stop(): Promise<void>;
}

export async function startEmbedded(
  options: Partial<Pick<EmulatorsOptions, 'buckets' | 'queues' | 'tables'>>,
): Promise<Embedded> {
  const emulators = await startEmulators({
    region: REGION,
    accountId: '111122223333',
    seed: 3,
    buckets: [],
    queues: [],
    tables: [],
    ...options,
  });
  const config = {
    region: REGION,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  };
  const s3 = new S3Client({ ...config, endpoint: emulators.endpoints.aws });
  const sqs = new SQSClient({ ...config, endpoint: emulators.endpoints.aws });
  const dynamodb = new DynamoDBClient({ ...config, endpoint: emulators.endpoints.dynamodb });
  return {
    emulators,
    s3,
    sqs,
    dynamodb,
    async stop() {
      for (const client of [s3, sqs, dynamodb]) client.destroy();
      await emulators.stop();
    },
  };
}
