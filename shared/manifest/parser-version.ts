// Which jobs this parser can read: a job freezes the version that it began under, and its rows' identities are places in it.
import { PARSER_VERSION } from './columns.ts';

/** Versions that find the same rows at the same places as this one; what they say of a row may differ. */
const SAME_ROWS: ReadonlySet<number> = new Set([1, 2, PARSER_VERSION]);

export function canReadRowsOf({ parserVersion }: { parserVersion: number }): boolean {
  return SAME_ROWS.has(parserVersion);
}

/** Why a job of another version is ended, and what to do. */
export function otherParserFault({ parserVersion }: { parserVersion: number }): {
  code: string;
  message: string;
} {
  return {
    code: 'ParserChanged',
    message: `the job began under version ${parserVersion} of the manifest parser, and this deployment has version ${PARSER_VERSION}, which may find other rows: drop the manifest again, with if-exists skip`,
  };
}
