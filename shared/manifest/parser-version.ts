// Which jobs this parser can read. A job keeps the version under which it began: its rows' identities depend on it.
import { PARSER_VERSION } from './columns.ts';
import type { ParsedBy } from './s3-source.ts';

/** Versions that find the same rows at the same places as this one. They may accept other rows than this one. */
const SAME_ROWS: ReadonlySet<number> = new Set([1, 2, 3, PARSER_VERSION]);

export function canReadRowsOf({ parserVersion }: ParsedBy): boolean {
  return SAME_ROWS.has(parserVersion);
}

/** Why a job of another version fails, and what to do. */
export function otherParserFault({ parserVersion }: ParsedBy): { code: string; message: string } {
  return {
    code: 'ParserChanged',
    message: `the job began under version ${parserVersion} of the manifest parser, and this deployment has version ${PARSER_VERSION}, which may find other rows: drop the manifest again, with if-exists skip`,
  };
}
