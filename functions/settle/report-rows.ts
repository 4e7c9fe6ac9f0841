// A row of the report, made of its outcome: which file it stands in, and under which columns.
//
//   succeeded   key source destination status size etag version checksum attempts milliseconds line; checksum_algorithm where it is not CRC32
//   failed      the manifest's own columns, and spillway_code, spillway_message, spillway_place: a manifest as it stands
//   rejected    likewise; a row that could not be read at all has spillway_raw. One line stands for the rows of a block that
//               are beyond the slice's limits (reject-listing.ts): spillway_rows says how many, spillway_place between which lines
import type { ReportKind } from '../../shared/job/options.ts';
import type { ReportFile } from '../../shared/ledger/rows.ts';
import { type Outcome, type OutcomeStatus, rowCountOf } from '../../shared/report/outcome.ts';
import { boundedText } from '../../shared/text/bounded.ts';

const FILE_OF: Readonly<Record<OutcomeStatus, ReportFile['kind']>> = {
  stored: 'succeeded',
  skipped: 'succeeded',
  failed: 'failed',
  cancelled: 'failed',
  rejected: 'rejected',
};

const FILES_WRITTEN: Readonly<Record<ReportKind, readonly ReportFile['kind'][]>> = {
  all: ['succeeded', 'failed', 'rejected'],
  failures: ['failed', 'rejected'],
  none: [],
};

/** @returns undefined where the job's report leaves such rows out */
export function fileOf({ status }: Outcome, report: ReportKind): ReportFile['kind'] | undefined {
  const kind = FILE_OF[status];
  return FILES_WRITTEN[report].includes(kind) ? kind : undefined;
}

export function reportRow(outcome: Outcome): Record<string, unknown> {
  const { item, line, code, message, raw } = outcome;
  if (outcome.status === 'stored' || outcome.status === 'skipped') {
    const { destination, bytes, etag, versionId, checksum, checksumAlgorithm, attempts, ms } = outcome;
    return {
      key: item?.key,
      source: item?.['source'],
      destination,
      status: outcome.status,
      size: bytes,
      etag,
      version: versionId,
      checksum,
      checksum_algorithm: checksumAlgorithm,
      attempts,
      milliseconds: ms,
      line,
    };
  }
  if (outcome.numbers !== undefined) {
    const rows = rowCountOf(outcome);
    return {
      spillway_code: code,
      spillway_message: `${rows} rows are not listed one by one, the first of them: ${boundedText(message ?? '')}`,
      spillway_place: `lines ${line} to ${outcome.lastLine ?? line}`,
      spillway_rows: rows,
    };
  }
  return {
    ...item,
    spillway_code: code,
    spillway_message: message === undefined ? undefined : boundedText(message),
    spillway_place: `line ${line}`,
    spillway_raw: raw,
  };
}
