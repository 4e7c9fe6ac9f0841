// Strategies of the AWS SDK's own retries, unchanged: both modes try three times by default.
import { createS3Client } from '../../shared/aws/clients.ts';
import { tryEach } from './retrying.ts';
import type { Strategy, UploadEnd, UploadTask } from './strategy.ts';

/** The SDK's default (DEFAULT_MAX_ATTEMPTS of @smithy/core), set here so that no AWS_MAX_ATTEMPTS changes it. */
const SDK_DEFAULT_ATTEMPTS = 3;

export const sdkStandard: Strategy = {
  name: 'sdk-standard',
  what: `The AWS SDK for JavaScript as it comes: jitter, ${SDK_DEFAULT_ATTEMPTS} attempts, and a budget of retries shared by the client; once that is spent, calls fail at once.`,
  upload: (task) => putEach(task, 'standard'),
};

export const sdkAdaptive: Strategy = {
  name: 'sdk-adaptive',
  what: `The SDK's retryMode "adaptive": the same ${SDK_DEFAULT_ATTEMPTS} attempts, and one rate limiter for the client.`,
  upload: (task) => putEach(task, 'adaptive'),
};

function putEach(task: UploadTask, retryMode: 'standard' | 'adaptive'): Promise<UploadEnd[]> {
  const s3 = createS3Client({ ...task.clientConfig, retryMode, maxAttempts: SDK_DEFAULT_ATTEMPTS });
  return tryEach(task, 1, () => 0, s3);
}
