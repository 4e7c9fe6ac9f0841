// The environment variables of an execution environment: the function's own, and those that Lambda sets.
import { devNull } from 'node:os';
import { accessKeyOf } from '../iam/authorizer.ts';
import type { FunctionModel } from '../service/model.ts';

export interface CloudPlace {
  endpoints: { aws: string; dynamodb: string };
  region: string;
  /** Where serverless.yml lies. */
  directory: string;
  /** Queue URLs as the model has them -> as the emulator has them. */
  queueUrls: Map<string, string>;
}

/** The user's own, whom nothing is denied. The emulators read the access key and check no signature. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** The access key of a function: that of its execution role. */
export function accessKeyOfFunction({ role }: Pick<FunctionModel, 'role'>): string {
  return role === undefined ? LOCAL_CREDENTIALS.accessKeyId : accessKeyOf(role);
}

export function environmentVariables(model: FunctionModel, place: CloudPlace): Record<string, string> {
  const { endpoints, region } = place;
  const own = Object.entries(model.environment);
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyOfFunction(model),
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    // The machine's own AWS profile must not reach into the functions.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_ENDPOINT_URL_S3: endpoints.aws,
    AWS_ENDPOINT_URL_SQS: endpoints.aws,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.aws,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: model.deployedName,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(model.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${model.deployedName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: place.directory,
    _HANDLER: `${model.handlerFile}.${model.handlerExport}`,
    TZ: ':UTC',
    ...Object.fromEntries(own.map(([name, value]) => [name, place.queueUrls.get(value) ?? value])),
  };
}
