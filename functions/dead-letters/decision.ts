// What was judged of a dead letter: what becomes of it, and the doing.
import type { Burial } from '../../shared/report/dead-letters.ts';

export interface Verdict {
  burial: Burial;
  /**
   * @param place where the letter is kept
   * @param writer names outcome files; unique to this letter and invocation
   */
  carryOut(place: string, writer: string): Promise<void>;
}

export function nothingLeft(place: Partial<Burial>, reason: string): Verdict {
  return { burial: { ...place, kind: 'nothing-left', reason }, carryOut: async () => undefined };
}

export function unreadable(place: Partial<Burial>, reason: string): Verdict {
  return { burial: { ...place, kind: 'unreadable', reason }, carryOut: async () => undefined };
}
