// What a stack costs a month while nothing is uploaded.
import { beforeAll, describe, expect, it } from 'vitest';
import { alarmTable } from '../../infrastructure/alarms.js';
import { fixedUsdPerMonth } from '../../local/meter/fixed-cost.ts';
import type { ServiceModel } from '../../local/service/model.ts';
import { readService, SERVICE_FILE } from '../../local/service/read-service.ts';

let service: ServiceModel;
beforeAll(async () => {
  service = await readService(SERVICE_FILE);
});

describe('the fixed cost of a month', () => {
  it('has a part for each event source that polls', () => {
    const sources = Object.values(service.functions).flatMap(({ sqsSources }) => sqsSources);
    // Five pollers, three long polls a minute, 43,200 minutes.
    expect(fixedUsdPerMonth(service, 0).polling).toBeCloseTo(
      (sources.length * 5 * 3 * 43_200 * 0.4) / 1e6,
      2,
    );
    for (const source of sources) source.enabled = false;
    expect(fixedUsdPerMonth(service, 0).polling).toBe(0);
    for (const source of sources) source.enabled = true;
  });

  it('counts an alarm by the metrics that it reads', () => {
    const alarms = Object.values(alarmTable(service.stackName, { oldestMessageSeconds: 60 }));
    const read = alarms.reduce((sum, { of }) => sum + Object.keys(of).length, 0);
    expect(fixedUsdPerMonth(service, 0).alarms).toBeCloseTo(read * 0.1, 2);
    expect(read).toBeGreaterThan(alarms.length);
  });

  it('has backups of the ledger by its size, and a total of all parts', () => {
    const cost = fixedUsdPerMonth(service, 10e9);
    expect(cost.pointInTimeRecovery).toBe(2);
    const { total, ...parts } = cost;
    expect(Object.values(parts).reduce((sum, part) => sum + part)).toBeCloseTo(total, 1);
  });
});
