// Headers of an SDK command that are sent as they stand, past its fields.
import type {
  $Command,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';

/** A source's metadata is sent on as it came, even an Expires that is no date: the command's field takes dates alone. */
export function withHeaders<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: $Command<Input, Output, S3ClientResolvedConfig>,
  headers: Readonly<Record<string, string>>,
): $Command<Input, Output, S3ClientResolvedConfig> {
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, headers);
      return next(args);
    },
    { step: 'build', name: 'sourceHeaders' },
  );
  return command;
}
