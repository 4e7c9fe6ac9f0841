// Units of the metrics that are no counts. Apart from the table of metrics: every bundle holds these.

/** @type {Readonly<Record<string, 'Bytes' | 'Seconds' | 'Milliseconds' | 'Count/Second' | undefined>>} */
export const METRIC_UNITS = {
  OldestJobSeconds: 'Seconds',
  Pace: 'Count/Second',
  RequestMs: 'Milliseconds',
  BytesStored: 'Bytes',
};
