// The options of a job that a request gives: read, and refused with every fault.
import {
  bytesOfOptionTexts,
  type JobOptions,
  MAX_OPTION_BYTES,
  parseJobOptions,
} from '../../shared/job/options.ts';
import { HttpError } from './problem.ts';

/** @throws HttpError that names each wrong option */
export function readOptions(
  options: Readonly<Record<string, string>>,
  destinationBuckets: readonly string[],
): JobOptions {
  const parsed = parseJobOptions(options, destinationBuckets);
  if (parsed.kind === 'invalid') {
    const faults = parsed.faults.map(({ option, message }) => ({
      place: option === undefined ? 'options' : `options.${option}`,
      message,
    }));
    throw new HttpError(400, parsed.message, { faults });
  }
  const optionBytes = bytesOfOptionTexts(options);
  if (optionBytes > MAX_OPTION_BYTES) {
    const message = `the options have ${optionBytes} bytes with their names, and S3's metadata, in which they travel, has room for ${MAX_OPTION_BYTES}: give metadata, tags and headers to the rows`;
    throw new HttpError(400, message, { faults: [{ place: 'options', message }] });
  }
  return parsed.options;
}
