// The schema of each function's environment variables, by the function's name in serverless.yml.
import { apiConfiguration } from '../../functions/api/configuration.ts';
import { deadLetterConfiguration } from '../../functions/dead-letters/configuration.ts';
import { ingestConfiguration } from '../../functions/ingest/configuration.ts';
import { settleConfiguration } from '../../functions/settle/configuration.ts';
import { sweepConfiguration } from '../../functions/sweep/configuration.ts';
import { uploadConfiguration } from '../../functions/upload/configuration.ts';

export const CONFIGURATIONS = {
  ingest: ingestConfiguration,
  upload: uploadConfiguration,
  settle: settleConfiguration,
  sweep: sweepConfiguration,
  deadLetters: deadLetterConfiguration,
  api: apiConfiguration,
} as const;
