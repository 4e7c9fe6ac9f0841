// The catalogue of log messages, by event. A log line is one of these texts with fields: what varies is in the fields, so that a
// query of CloudWatch Logs Insights finds all lines of an event by its text.

export const LOG = {
  messageNotIngested: 'message not ingested',
  manifestsPassedOver: 'folder markers, hidden names and delivered parts are no manifests',
  manifestRefused: 'manifest can not be taken',
  manifestNotCut: 'manifest can not be cut',
  planHalted: 'manifest not planned further: the job is paused or has ended',
  planFinished: 'manifest planned',
  /** Of a job's start or progress. Its rows go on. */
  eventNotSent: 'event of a job not sent',
  otherParser: 'job of another parser version is ended',
  sliceIngested: 'slice ingested',
  jobResumed: 'job resumed',
  sliceAskedAgain: 'message of a slice that was requested again since',
  messageNotDue: 'message of a job that is halted or has ended',

  batchUploaded: 'batch uploaded',
  batchUploadedWithFaults: 'batch uploaded, with faults',

  messageNotSettled: 'message not settled',
  settleOfEndedJob: 'settle message of an ended job',
  sliceNotClosed: 'slice is not closed',
  sliceSettled: 'slice settled',
  /** It is made again from the slice's outcomes. */
  sliceResultDamaged: 'result of a slice can not be read',
  /** After its job was stopped: rows that only these outcomes recorded are reported as failed. */
  outcomesGivenUp: 'damaged outcomes of a slice given up',

  /** By settle, by ingest, or by the handler of dead letters. */
  jobEnded: 'job ended',
  jobEndedUnaccounted: 'job ended with rows unaccounted',

  jobsSwept: 'jobs swept',
  jobReconciled: 'job reconciled',
  /** Missing, or damaged. The job's other slices go on. */
  sliceRowUnreadable: 'rows of slices can not be read',
  /** By sweep past its deadline, or by sweep or ingest when too many rows fail. */
  jobStopped: 'job stopped',

  lettersFlagged: 'dead letters flagged',
  lettersHandled: 'dead letters handled',
  letterNotHandled: 'dead letter not handled',
  letterNotKept: 'dead letter not kept',

  requestFailed: 'request failed',
  /** Their next delivery is after the visibility timeout instead of the shorter delay. */
  failedNotHidden: 'failed messages keep the visibility of their queue',
} as const;

export type LogMessage = (typeof LOG)[keyof typeof LOG];
