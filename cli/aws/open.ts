// Region, credentials and connection of the commands that look at a deployed stage, as all AWS tools find them.
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { ClientBudget } from '../../shared/aws/budgets.ts';
import { createS3Client, limitsOf } from '../../shared/aws/clients.ts';
import { Failure } from '../failure.ts';
import { connect } from '../s3/connection.ts';
import { assertCredentials } from '../s3/open.ts';
import type { StageOptions } from './options.ts';

/** A command that looks at many things gives each up soon: what does not answer is said. */
const BUDGET: ClientBudget = { connectionMs: 3_000, requestMs: 15_000, attempts: 3 };

/** What every client of a command is made with. */
export interface ClientSettings extends ReturnType<typeof limitsOf> {
  region: string;
  credentials: NonNullable<S3ClientConfig['credentials']>;
  endpoint?: string;
}

/** @throws Failure where no region or no credentials are found */
export async function openAws({
  region,
  endpointUrl,
}: Pick<StageOptions, 'region' | 'endpointUrl'>): Promise<ClientSettings> {
  const connection = connect();
  // The SDK reads environment and profile. It makes no request for that, unless the credentials come from elsewhere.
  const reader = createS3Client(region === undefined ? {} : { region }, BUDGET, connection);
  try {
    const found = await reader.config.region().catch((cause: unknown) => {
      throw new Failure("no region: give --region, set AWS_REGION, or one in the profile's configuration", {
        cause,
      });
    });
    await assertCredentials(reader);
    return {
      ...limitsOf(BUDGET, connection),
      region: found,
      credentials: reader.config.credentials,
      ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
    };
  } finally {
    reader.destroy();
  }
}
