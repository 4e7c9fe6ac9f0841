// The table of metrics, for the dashboard, the alarms, the local page and docs/metrics.md. Bundles hold the units alone. It is plain
// JavaScript because osls reads it through infrastructure/dashboard.js, also on a Node that can't run TypeScript.
import { METRIC_UNITS } from './metric-units.js';

/**
 * @typedef {'ingest' | 'upload' | 'settle' | 'sweep' | 'dead-letters' | 'api'} FunctionName
 * @typedef {'Sum' | 'Maximum' | 'Minimum' | 'Average' | 'p50' | 'p95' | 'p99'} Stat
 *
 * @typedef {object} Metric
 * @property {string} title Its label on the dashboard and the page.
 * @property {readonly FunctionName[]} functions Those that count it. Each has a line of its own in the panel.
 * @property {'Sum' | 'Maximum'} [stat] How the dashboard and alarms sum up a period; Sum by default.
 * @property {readonly Stat[]} [stats] The lines of its panel, where they are others than `stat`.
 */

/** By name in CloudWatch, under the panel of the dashboard that shows it. */
export const METRICS = {
  ...inPanel('Rows', {
    RowsAccepted: { title: 'Rows accepted', functions: ['ingest'] },
    RowsRejected: { title: 'Rows rejected', functions: ['ingest'] },
    RowsSentAgain: { title: 'Rows sent again', functions: ['ingest'] },
    ObjectsStored: { title: 'Objects stored', functions: ['upload'] },
    ObjectsSkipped: { title: 'Objects skipped', functions: ['upload'] },
    ObjectsFailed: { title: 'Objects failed', functions: ['upload'] },
  }),
  ...inPanel('Jobs', {
    LiveJobs: { title: 'Live jobs', functions: ['sweep'], stat: 'Maximum' },
    RowsOutstanding: { title: 'Rows outstanding', functions: ['sweep'], stat: 'Maximum' },
    JobsCompleted: { title: 'Jobs completed', functions: ['settle'] },
    JobsFailed: { title: 'Jobs failed', functions: ['settle', 'ingest', 'dead-letters'] },
    RowsUnaccounted: {
      title: 'Rows unaccounted for',
      functions: ['settle', 'ingest', 'dead-letters'],
    },
    LateOutcomes: { title: 'Outcomes after the end of their job', functions: ['upload'] },
  }),
  ...inPanel('Age of the oldest live job, seconds', {
    OldestJobSeconds: {
      title: 'Age of the oldest live job',
      functions: ['sweep'],
      stat: 'Maximum',
    },
  }),
  ...inPanel('Requests to S3 and their throttling', {
    Attempts: { title: 'Requests', functions: ['upload'] },
    Throttled: { title: 'SlowDown answers', functions: ['upload'] },
    TransientFaults: { title: 'Transient faults', functions: ['upload'] },
  }),
  ...inPanel('SlowDown answers by cause', {
    ThrottledByPartition: { title: 'Partition', functions: ['upload'] },
    ThrottledByKms: { title: 'KMS', functions: ['upload'] },
    ThrottledByObject: { title: 'Object', functions: ['upload'] },
    ThrottledByAccount: { title: 'Account', functions: ['upload'] },
    ThrottledBySource: { title: 'Source', functions: ['upload'] },
  }),
  ...inPanel('Pace of a worker, requests a second', {
    Pace: {
      title: 'Pace',
      functions: ['upload'],
      stat: 'Maximum',
      stats: ['Average', 'Minimum', 'Maximum'],
    },
  }),
  ...inPanel('Latency of writes, ms', {
    RequestMs: {
      title: 'Request until its answer',
      functions: ['upload'],
      stat: 'Maximum',
      stats: ['p50', 'p95', 'p99'],
    },
  }),
  ...inPanel('Given back to the queue', {
    RefusedReturned: { title: 'Refused, given back by visibility', functions: ['upload'] },
    RefusedReposted: { title: 'Refused, delayed as a new message', functions: ['upload'] },
    UntriedReturned: { title: 'Untried, given back by visibility', functions: ['upload'] },
    UntriedReposted: { title: 'Untried, delayed as a new message', functions: ['upload'] },
  }),
  ...inPanel('Bytes stored', {
    BytesStored: { title: 'Bytes stored', functions: ['upload'] },
  }),
  ...inPanel('Slices', {
    SlicesIngested: { title: 'Slices ingested', functions: ['ingest'] },
    SlicesReplayed: { title: 'Slices sent again', functions: ['sweep'] },
    SlicesSettled: { title: 'Slices settled', functions: ['settle'] },
  }),
  ...inPanel('Dead letters to look at', {
    DeadLettersFlagged: { title: 'Dead letters flagged', functions: ['dead-letters'] },
  }),
  ...inPanel('Messages that failed', {
    MessagesFailed: { title: 'Messages failed', functions: ['ingest', 'upload', 'settle', 'dead-letters'] },
  }),
};

/**
 * @template {string} Name
 * @param {string} panel
 * @param {Readonly<Record<Name, Metric>>} metrics
 */
function inPanel(panel, metrics) {
  const entries = /** @type {[Name, Metric][]} */ (Object.entries(metrics));
  return /** @type {Record<Name, Required<Metric> & { panel: string, unit: string }>} */ (
    Object.fromEntries(
      entries.map(([name, { stat = 'Sum', ...metric }]) => [
        name,
        { unit: METRIC_UNITS[name] ?? 'Count', stat, stats: [stat], ...metric, panel },
      ]),
    )
  );
}
