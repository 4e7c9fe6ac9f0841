// The object is in S3 already: a server-side copy, which sends no bytes through this process.
import { faultOfSource, splitSource } from '../manifest/s3-source.ts';
import type { Source } from './source.ts';

export const s3Copy: Source = {
  check({ source = '', source_version: version }, { buckets }) {
    const place = splitSource(source);
    const fault = faultOfSource(place, version);
    if (fault !== undefined) return fault;
    const { bucket = '' } = place ?? {};
    if (buckets.includes(bucket)) return undefined;
    return {
      code: 'SourceNotAllowed',
      message: `source bucket "${bucket}" is not allowed: add it to the deployment's parameter sourceBuckets`,
    };
  },
  createWriter: async (dependencies) => (await import('./late-writers.ts')).lateWriters.copy(dependencies),
};
