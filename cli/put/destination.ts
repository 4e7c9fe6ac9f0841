// Where files go: s3://BUCKET/PREFIX, as a command line names it.
import { Failure } from '../failure.ts';

export interface PutDestination {
  bucket: string;
  /** Ends in `/`, or is empty. */
  prefix: string;
}

/** What comes before the last argument are paths, so one that is forgotten is a wrong destination. */
export function parseDestination(text: string): PutDestination {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(text);
  if (match === null) {
    throw new Failure(`${text} is not s3://BUCKET/PREFIX: the last argument says where the files go`, {
      exitCode: 2,
    });
  }
  const [, bucket = '', prefix = ''] = match;
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}
