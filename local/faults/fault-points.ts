// The seeded choice of when a fault strikes, and the count of how often it did.
//
// A fault strikes with its probability among the requests that it fits, until its count is used up.
import type { Random } from '../../shared/time/random.ts';
import type { FaultTiming } from './fault.ts';

/** How often each fault struck, by its name. */
export type FaultCounts = Record<string, number>;

type Named = FaultTiming & { kind: string };

type Choice<Known extends Named> = <Kind extends Known['kind']>(
  fits: (fault: Extract<Known, { kind: Kind }>) => boolean,
  ...kinds: Kind[]
) => Extract<Known, { kind: Kind }> | undefined;

export interface FaultPoints<Known extends Named> {
  /** Replaces what is armed; the counts go on. */
  arm(faults: readonly Known[]): void;
  /** The first fault of these kinds (of all, where none is named) that fits and strikes: counted. */
  strike: Choice<Known>;
  /** The same, uncounted: where it turns out only later whether it struck. */
  draw: Choice<Known>;
  count(fault: Known): void;
  counts(): FaultCounts;
}

export function createFaultPoints<Known extends Named>(random: Random): FaultPoints<Known> {
  let armed: { fault: Known; left: number }[] = [];
  const counts: FaultCounts = {};

  function isDrawn(candidate: { fault: Known; left: number }): boolean {
    if (candidate.left <= 0) return false;
    const { probability = 1 } = candidate.fault;
    if (probability < 1 && random() >= probability) return false;
    candidate.left -= 1;
    return true;
  }

  const draw: Choice<Known> = (fits, ...kinds) => {
    for (const candidate of armed) {
      const { fault } = candidate;
      if (kinds.length > 0 && !kinds.some((kind) => kind === fault.kind)) continue;
      if (fits(fault as Parameters<typeof fits>[0]) && isDrawn(candidate)) {
        return fault as Parameters<typeof fits>[0];
      }
    }
    return undefined;
  };

  function count({ name, kind }: Known): void {
    counts[name ?? kind] = (counts[name ?? kind] ?? 0) + 1;
  }

  return {
    arm(faults) {
      armed = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }));
    },
    draw,
    strike(fits, ...kinds) {
      const fault = draw(fits, ...kinds);
      if (fault !== undefined) count(fault);
      return fault;
    },
    count,
    counts: () => ({ ...counts }),
  };
}
