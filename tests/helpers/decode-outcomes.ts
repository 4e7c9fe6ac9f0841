// Stored outcomes of which every line is expected to be readable.
import type { OutcomeRecord } from '../../shared/report/outcome.ts';
import { readOutcomes } from '../../shared/report/outcome-text.ts';

/** @throws UnreadableOutcomesError */
export function decodeOutcomes(stored: Uint8Array, place: string): OutcomeRecord[] {
  const { records, fault } = readOutcomes(stored, place);
  if (fault !== undefined) throw fault;
  return records;
}
