// Opens the commands' API client with this process's clock, environment and credentials.
import type { Credentials } from '../../shared/aws/signature.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { connect } from '../s3/connection.ts';
import { assertCredentials } from '../s3/open.ts';
import { type ApiClient, createApiClient } from './client.ts';
import { connectFetch } from './connection.ts';

export function openApi(api: string): ApiClient {
  connectFetch(api);
  return createApiClient({ fetch, clock: systemClock, env: process.env, credentials: ownCredentials }, api);
}

/** Found as every AWS tool finds them. The SDK loads slowly, so it is loaded only to sign a request. */
async function ownCredentials(): Promise<Credentials> {
  const { COMMAND_BUDGET } = await import('../../shared/aws/budgets.ts');
  const { createS3Client } = await import('../../shared/aws/clients.ts');
  const client = createS3Client({ region: 'us-east-1' }, COMMAND_BUDGET, connect());
  try {
    await assertCredentials(client);
    return await client.config.credentials();
  } finally {
    client.destroy();
  }
}
