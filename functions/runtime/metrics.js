// The table of metrics: EMF takes units from it, the dashboard and the local page their titles, docs/metrics.md all of it. It is
// plain JavaScript because osls reads it through infrastructure/dashboard.js, also on a Node that can't run TypeScript.

/**
 * @typedef {'ingest' | 'upload' | 'settle' | 'sweep' | 'dead-letters' | 'api'} FunctionName
 * @typedef {'Sum' | 'Maximum' | 'Minimum' | 'Average' | 'p50' | 'p95' | 'p99'} Stat
 *
 * @typedef {object} Metric
 * @property {string} title Its label on the dashboard and the page.
 * @property {string} means What one of it is, where the title does not say it all.
 * @property {readonly FunctionName[]} functions Those that count it. Each has a line of its own in the panel.
 * @property {'Count' | 'Bytes' | 'Seconds' | 'Milliseconds' | 'Count/Second'} [unit] Count by default.
 * @property {'Sum' | 'Maximum'} [stat] How the dashboard and alarms sum up a period; Sum by default.
 * @property {readonly Stat[]} [stats] The lines of its panel, where they are others than `stat`.
 */

/** By name in CloudWatch, under the panel of the dashboard that shows it. */
export const METRICS = {
  ...inPanel('Rows', {
    RowsAccepted: {
      title: 'Rows accepted',
      means: 'good rows that were read and sent to upload for the first time',
      functions: ['ingest'],
    },
    RowsRejected: {
      title: 'Rows rejected',
      means: 'bad rows; the report says why',
      functions: ['ingest'],
    },
    RowsSentAgain: {
      title: 'Rows sent again',
      means: 'rows of a slice that was read again, because it stood still or its function stopped',
      functions: ['ingest'],
    },
    ObjectsStored: {
      title: 'Objects stored',
      means: 'rows whose object S3 has confirmed',
      functions: ['upload'],
    },
    ObjectsSkipped: {
      title: 'Objects skipped',
      means: 'rows whose key held an object, under `if-exists: skip`',
      functions: ['upload'],
    },
    ObjectsFailed: {
      title: 'Objects failed',
      means: 'rows that ended without an object; the report says why',
      functions: ['upload'],
    },
  }),
  ...inPanel('Jobs', {
    LiveJobs: {
      title: 'Live jobs',
      means: 'jobs that have not ended and are not paused',
      functions: ['sweep'],
      stat: 'Maximum',
    },
    RowsOutstanding: {
      title: 'Rows outstanding',
      means: 'rows of live jobs that have not ended',
      functions: ['sweep'],
      stat: 'Maximum',
    },
    JobsCompleted: {
      title: 'Jobs completed',
      means: 'jobs that ended as completed or cancelled',
      functions: ['settle'],
    },
    JobsFailed: {
      title: 'Jobs failed',
      means: 'jobs that ended as failed',
      functions: ['settle', 'ingest', 'dead-letters'],
    },
    RowsUnaccounted: {
      title: 'Rows unaccounted for',
      means: 'rows of ended jobs without an outcome: 0, but of a job that was given up',
      functions: ['settle', 'ingest', 'dead-letters'],
    },
    LateOutcomes: {
      title: 'Outcomes after the end of their job',
      means: 'rows that ended after their slice had been settled without them',
      functions: ['upload'],
    },
  }),
  ...inPanel('Age of the oldest live job, seconds', {
    OldestJobSeconds: {
      title: 'Age of the oldest live job',
      means: 'seconds since its manifest was first seen; 0 without a live job',
      functions: ['sweep'],
      unit: 'Seconds',
      stat: 'Maximum',
    },
  }),
  ...inPanel('Requests to S3 and their throttling', {
    Attempts: {
      title: 'Requests',
      means: 'requests that wrote an object or a part, or read a source, with all retries',
      functions: ['upload'],
    },
    Throttled: {
      title: 'SlowDown answers',
      means: 'requests that were refused for their rate, whatever the cause',
      functions: ['upload'],
    },
    TransientFaults: {
      title: 'Transient faults',
      means:
        'requests that failed and may succeed when they are sent again, such as a 500 or a lost connection',
      functions: ['upload'],
    },
  }),
  ...inPanel('SlowDown answers by cause', {
    ThrottledByPartition: {
      title: 'Partition',
      means: 'a range of keys is over its rate: spread the keys, or wait until S3 splits it',
      functions: ['upload'],
    },
    ThrottledByKms: {
      title: 'KMS',
      means: 'KMS behind the bucket is over its quota: use a bucket key, or raise the quota',
      functions: ['upload'],
    },
    ThrottledByObject: {
      title: 'Object',
      means:
        "one key is written too often. AWS's answer does not say so and counts as partition; Cloudflare R2's does",
      functions: ['upload'],
    },
    ThrottledByAccount: {
      title: 'Account',
      means: "the account's request quota is used up",
      functions: ['upload'],
    },
    ThrottledBySource: {
      title: 'Source',
      means: 'the bucket or host that the object is read from refused',
      functions: ['upload'],
    },
  }),
  ...inPanel('Pace of a worker, requests a second', {
    Pace: {
      title: 'Pace',
      means:
        'requests a second that a worker may send to a bucket, or a range of its keys, when its batch ends',
      functions: ['upload'],
      unit: 'Count/Second',
      stat: 'Maximum',
      stats: ['Average', 'Minimum', 'Maximum'],
    },
  }),
  ...inPanel('Latency of writes, ms', {
    RequestMs: {
      title: 'Request until its answer',
      means:
        'milliseconds of requests that the destination took, at most 50 of a batch; waiting for a turn is not in it',
      functions: ['upload'],
      unit: 'Milliseconds',
      stat: 'Maximum',
      stats: ['p50', 'p95', 'p99'],
    },
  }),
  ...inPanel('Given back to the queue', {
    RefusedReturned: {
      title: 'Refused, given back by visibility',
      means: 'items that S3 refused, returned for up to 20 seconds',
      functions: ['upload'],
    },
    RefusedReposted: {
      title: 'Refused, delayed as a new message',
      means: 'items that S3 refused, reposted for up to 15 minutes',
      functions: ['upload'],
    },
    UntriedReturned: {
      title: 'Untried, given back by visibility',
      means: 'items that were shed, since their turn would have come too late',
      functions: ['upload'],
    },
    UntriedReposted: {
      title: 'Untried, delayed as a new message',
      means: 'items that were shed for longer, and suspects that wait to be tried alone',
      functions: ['upload'],
    },
  }),
  ...inPanel('Bytes stored', {
    BytesStored: {
      title: 'Bytes stored',
      means: 'bytes of the stored objects, as far as S3 or the manifest says them',
      functions: ['upload'],
      unit: 'Bytes',
    },
  }),
  ...inPanel('Slices', {
    SlicesIngested: {
      title: 'Slices ingested',
      means: 'slices whose rows were all sent',
      functions: ['ingest'],
    },
    SlicesReplayed: {
      title: 'Slices sent again',
      means: 'slices that made no progress and are read again',
      functions: ['sweep'],
    },
    SlicesSettled: {
      title: 'Slices settled',
      means: 'slices whose part of the report is written',
      functions: ['settle'],
    },
  }),
  ...inPanel('Dead letters to look at', {
    DeadLettersFlagged: {
      title: 'Dead letters flagged',
      means: 'messages that ended a row, a slice or a job as failed, or are tried again',
      functions: ['dead-letters'],
    },
  }),
  ...inPanel('Messages that failed', {
    MessagesFailed: {
      title: 'Messages failed',
      means: 'messages that a function could not handle: they stay in their queue and come again',
      functions: ['ingest', 'upload', 'settle', 'dead-letters'],
    },
  }),
};

/**
 * @template {string} Name
 * @param {string} panel
 * @param {Readonly<Record<Name, Metric>>} metrics
 */
function inPanel(panel, metrics) {
  const entries = /** @type {[Name, Metric][]} */ (Object.entries(metrics));
  return /** @type {Record<Name, Required<Metric> & { panel: string }>} */ (
    Object.fromEntries(
      entries.map(([name, { stat = 'Sum', ...metric }]) => [
        name,
        { unit: 'Count', stat, stats: [stat], ...metric, panel },
      ]),
    )
  );
}
