// What one of each metric is, for docs/metrics.md.

/** @type {Readonly<Record<keyof typeof import('./metrics.js').METRICS, string>>} */
export const METRIC_MEANINGS = {
  RowsAccepted: 'good rows that were read and sent to upload for the first time',
  RowsRejected: 'bad rows; the report says why',
  RowsSentAgain: 'rows of a slice that was read again, because it stood still or its function stopped',
  ObjectsStored: 'rows whose object S3 has confirmed',
  ObjectsSkipped: 'rows whose key held an object, under `if-exists: skip`',
  ObjectsFailed: 'rows that ended without an object; the report says why',
  LiveJobs: 'jobs that have not ended and are not paused',
  RowsOutstanding: 'rows of live jobs that have not ended',
  JobsCompleted: 'jobs that ended as completed or cancelled',
  JobsFailed: 'jobs that ended as failed',
  RowsUnaccounted: 'rows of ended jobs without an outcome: 0, but of a job that was given up',
  LateOutcomes: 'rows that ended after their slice had been settled without them',
  OldestJobSeconds: 'seconds since its manifest was first seen; 0 without a live job',
  Attempts: 'requests that wrote an object or a part, or read a source, with all retries',
  Throttled: 'requests that were refused for their rate, whatever the cause',
  TransientFaults:
    'requests that failed and may succeed when they are sent again, such as a 500 or a lost connection',
  ThrottledByPartition: 'a range of keys is over its rate: spread the keys, or wait until S3 splits it',
  ThrottledByKms: 'KMS behind the bucket is over its quota: use a bucket key, or raise the quota',
  ThrottledByObject:
    "one key is written too often. AWS's answer does not say so and counts as partition; Cloudflare R2's does",
  ThrottledByAccount: "the account's request quota is used up",
  ThrottledBySource: 'the bucket or host that the object is read from refused',
  Pace: 'requests a second that a worker may send to a bucket, or a range of its keys, when its batch ends',
  RequestMs:
    'milliseconds of requests that the destination took, at most 50 of a batch; waiting for a turn is not in it',
  RefusedReturned: 'items that S3 refused, returned for up to 20 seconds',
  RefusedReposted: 'items that S3 refused, reposted for up to 15 minutes',
  UntriedReturned: 'items that were shed, since their turn would have come too late',
  UntriedReposted: 'items that were shed for longer, and suspects that wait to be tried alone',
  BytesStored: 'bytes of the stored objects, as far as S3 or the manifest says them',
  SlicesIngested: 'slices whose rows were all sent',
  SlicesReplayed: 'slices that made no progress and are read again',
  SlicesSettled: 'slices whose part of the report is written',
  DeadLettersFlagged: 'messages that ended a row, a slice or a job as failed, or are tried again',
  MessagesFailed: 'messages that a function could not handle: they stay in their queue and come again',
};
