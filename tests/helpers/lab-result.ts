// A lab's result as it could come out, for what shows it.
import type { LabResult } from '../../lab/lab.ts';
import type { StrategyResult } from '../../lab/strategies/measure.ts';
import { STRATEGY_NAMES } from '../../lab/strategies/strategy.ts';

export function labResult(): LabResult {
  return {
    limitPerSecond: 100,
    burstSeconds: 0.25,
    partitions: 4,
    objects: 1000,
    objectBytes: 1024,
    workers: 64,
    lesson: {
      plain: { bucket: 'plain', key: 'one', status: 200, milliseconds: 9, readBackBytes: 1024 },
      burst: {
        sent: 400,
        stored: 150,
        refused: 250,
        error: { name: 'SlowDown', status: 503, message: 'Please <slow> down.', requestId: 'ID' },
      },
    },
    strategies: STRATEGY_NAMES.map((name, index): StrategyResult => {
      const lost = name === 'naive' ? 700 : 0;
      return {
        name,
        stored: 1000 - lost,
        lost,
        attempts: 1000 + index * 100,
        throttled: lost + index * 100,
        seconds: 3 + index,
        efficiency: 0.9,
        objectsPerSecond: 100,
        ofOnePartition: 1,
        attemptsPerObject: 1 + index / 10,
        partitions: 4,
        partitionsMet: name === 'spillway-spread' ? 4 : 1,
        lostTo: lost === 0 ? {} : { SlowDown: lost },
        perSecond: Array.from({ length: 3 + index }, (_, second) => ({
          second,
          accepted: 100,
          refused: 50 * index,
        })),
      };
    }),
  };
}
