// A decision about a dead letter, with the step that carries it out.
import type { DeadLetterDecision, DeadLetterKind } from '../../shared/report/dead-letters.ts';

export interface Decision extends DeadLetterDecision {
  /**
   * May run twice.
   * @param place where the letter is kept
   * @param writer names outcome files; unique to this letter and invocation
   */
  carryOut(place: string, writer: string): Promise<void>;
}

type Place = Omit<DeadLetterDecision, 'kind' | 'reason'>;

export function decided(
  kind: DeadLetterKind,
  place: Place,
  reason: string,
  carryOut: Decision['carryOut'] = async () => undefined,
): Decision {
  return { ...place, kind, reason, carryOut };
}

export const nothingLeft = (place: Place, reason: string) => decided('nothing-left', place, reason);
export const unreadable = (place: Place, reason: string) => decided('unreadable', place, reason);
