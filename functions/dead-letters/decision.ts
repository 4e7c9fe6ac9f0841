// A decision about a dead letter, with the step that carries it out.
import type { DeadLetterDecision } from '../../shared/report/dead-letters.ts';

export interface Decision extends DeadLetterDecision {
  /**
   * May run twice.
   * @param place where the letter is kept
   * @param writer names outcome files; unique to this letter and invocation
   */
  carryOut(place: string, writer: string): Promise<void>;
}

type Place = Omit<DeadLetterDecision, 'kind' | 'reason'>;

export function nothingLeft(place: Place, reason: string): Decision {
  return { ...place, kind: 'nothing-left', reason, carryOut: async () => undefined };
}

export function unreadable(place: Place, reason: string): Decision {
  return { ...place, kind: 'unreadable', reason, carryOut: async () => undefined };
}
