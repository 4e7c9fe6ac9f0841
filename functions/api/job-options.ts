// The options of a job that a request gives: read, and refused with every fault.
import { deadlineFault } from '../../shared/job/deadline.ts';
import {
  bytesOfOptionTexts,
  type JobOptions,
  MAX_OPTION_BYTES,
  type OptionFault,
  parseJobOptions,
} from '../../shared/job/options.ts';
import { faultAt, HttpError } from './problem.ts';

/** The limits that a deployment sets to the options of its jobs. */
export interface OptionBounds {
  destinationBuckets: readonly string[];
  /** Days for which outcomes, and what else the report bucket keeps for a while, are kept. */
  keepDays: number;
}

/** @throws HttpError that names each wrong option */
export function readOptions(
  options: Readonly<Record<string, string>>,
  { destinationBuckets, keepDays }: OptionBounds,
): JobOptions {
  const parsed = parseJobOptions(options, destinationBuckets);
  if (parsed.kind === 'invalid') throw refused(parsed.message, parsed.faults);
  const late = deadlineFault(parsed.options, keepDays);
  if (late !== undefined) throw refused(late.message, [late]);
  const optionBytes = bytesOfOptionTexts(options);
  if (optionBytes > MAX_OPTION_BYTES) {
    const message = `the options have ${optionBytes} bytes with their names, and S3's metadata, in which they travel, has room for ${MAX_OPTION_BYTES}: give metadata, tags and headers to the rows`;
    throw faultAt(400, 'options', message);
  }
  return parsed.options;
}

function refused(message: string, faults: readonly OptionFault[]): HttpError {
  const placed = faults.map(({ option, message: text }) => ({
    place: option === undefined ? 'options' : `options.${option}`,
    message: text,
  }));
  return new HttpError(400, message, { faults: placed });
}
