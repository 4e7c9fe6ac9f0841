// Sums DynamoDB's requests and units, and keeps the partition keys that peaked highest in any one second.
import type { Clock } from '../../../shared/time/clock.ts';
import type { DynamodbReading, KeyReading } from '../../meter/meter-reading.ts';
import type { Usage } from './dynamodb-units.ts';

/** Keys whose peak is followed; when they are more, the coldest half is forgotten. */
const KEYS_FOLLOWED = 20_000;
const HOTTEST_TOLD = 50;

export interface DynamodbMeter {
  add(operation: string, failed: boolean, usage: Usage[]): void;
  /** Units of the last write of that key; 1 where none is known. */
  lastWriteUnits(table: string, key: string): number;
  read(): DynamodbReading;
}

const NO_LOAD = {
  readUnits: 0,
  writeUnits: 0,
  peakReadUnitsPerSecond: 0,
  peakWriteUnitsPerSecond: 0,
  second: 0,
  secondReadUnits: 0,
  secondWriteUnits: 0,
  lastWriteUnits: 1,
};

type KeyLoad = KeyReading & typeof NO_LOAD;

export function createDynamodbMeter({ clock }: { clock: Clock }): DynamodbMeter {
  const operations = new Map<string, DynamodbReading['operations'][string]>();
  const loads = new Map<string, KeyLoad>();
  const totals = { readUnits: 0, writeUnits: 0 };

  function follow(usage: Usage): void {
    const name = `${usage.table}\0${usage.key}`;
    let load = loads.get(name);
    const second = Math.floor(clock.now() / 1000);
    if (load === undefined) {
      if (loads.size >= KEYS_FOLLOWED) forgetColdest();
      load = { table: usage.table, key: usage.key, ...NO_LOAD, second };
      loads.set(name, load);
    }
    if (load.second !== second) Object.assign(load, { second, secondReadUnits: 0, secondWriteUnits: 0 });
    load.readUnits += usage.readUnits;
    load.writeUnits += usage.writeUnits;
    if (usage.writeUnits > 0) load.lastWriteUnits = usage.writeUnits;
    load.secondReadUnits += usage.readUnits;
    load.secondWriteUnits += usage.writeUnits;
    load.peakReadUnitsPerSecond = Math.max(load.peakReadUnitsPerSecond, load.secondReadUnits);
    load.peakWriteUnitsPerSecond = Math.max(load.peakWriteUnitsPerSecond, load.secondWriteUnits);
  }

  function forgetColdest(): void {
    const coldest = [...loads].sort(([, a], [, b]) => hotter(b, a)).slice(0, KEYS_FOLLOWED / 2);
    for (const [name] of coldest) loads.delete(name);
  }

  return {
    lastWriteUnits: (table, key) => loads.get(`${table}\0${key}`)?.lastWriteUnits ?? 1,
    add(operation, failed, usage) {
      const count = operations.get(operation) ?? { requests: 0, failed: 0, readUnits: 0, writeUnits: 0 };
      operations.set(operation, count);
      count.requests += 1;
      if (failed) count.failed += 1;
      for (const each of usage) {
        count.readUnits += each.readUnits;
        count.writeUnits += each.writeUnits;
        totals.readUnits += each.readUnits;
        totals.writeUnits += each.writeUnits;
        follow(each);
      }
    },
    read: () => ({
      operations: structuredClone(Object.fromEntries(operations)),
      ...totals,
      hottest: [...loads.values()]
        .sort(hotter)
        .slice(0, HOTTEST_TOLD)
        .map(({ second, secondReadUnits, secondWriteUnits, lastWriteUnits, ...load }) => load),
    }),
  };
}

function hotter(a: KeyLoad, b: KeyLoad): number {
  return (
    b.peakWriteUnitsPerSecond - a.peakWriteUnitsPerSecond ||
    b.peakReadUnitsPerSecond - a.peakReadUnitsPerSecond
  );
}
