// S3 as the fleet meets it: the model of its limits that the embedded cloud runs, with limits that change and a partition
// that ails.
import { createS3Limits } from '../../local/aws/s3/s3-limits.ts';
import type { FleetOptions } from './fleet-options.ts';
import { evenStartKeys, firstKeyOf, SPREAD_PATHS } from './key-space.ts';

export interface SimulatedS3 {
  /** Whether a write to the path of this number is taken. */
  admits(key: number, nowMs: number): boolean;
  pathOf(key: number): string;
  setLimit(limitPerSecond: number, nowMs: number): void;
  partitionCount(): number;
  /** Writes a second that all partitions together allow. */
  allowedPerSecond(nowMs: number): number;
}

export function createSimulatedS3(options: FleetOptions): SimulatedS3 {
  const { partitions, burstSeconds, splits, ailing } = options;
  let { limitPerSecond } = options;
  const limits = createS3Limits({
    limitPerSecond,
    burstSeconds,
    startKeys: evenStartKeys(partitions),
    ...(splits === undefined
      ? {}
      : { splitAfterSeconds: splits.afterSeconds, maxPartitions: splits.maxPartitions }),
  });
  const weak =
    ailing === undefined || ailing.factor === 0
      ? undefined
      : createS3Limits({ limitPerSecond: limitPerSecond * ailing.factor, burstSeconds });
  const weakFrom = ailing === undefined ? 0 : firstKeyOf(ailing.partition, partitions);
  const weakTo = ailing === undefined ? 0 : firstKeyOf(ailing.partition + 1, partitions);

  const ails = (nowMs: number) =>
    ailing !== undefined && nowMs >= ailing.fromSecond * 1000 && nowMs < ailing.toSecond * 1000;
  const pathOf = (key: number) => SPREAD_PATHS[key] ?? '';
  return {
    pathOf,
    admits(key, nowMs) {
      if (key >= weakFrom && key < weakTo && ails(nowMs)) {
        return weak?.admit('write', pathOf(key), nowMs) ?? false;
      }
      return limits.admit('write', pathOf(key), nowMs);
    },
    setLimit(newLimitPerSecond, nowMs) {
      limitPerSecond = newLimitPerSecond;
      limits.setLimit(newLimitPerSecond, nowMs);
      weak?.setLimit(newLimitPerSecond * (ailing?.factor ?? 1), nowMs);
    },
    partitionCount: () => Math.max(partitions, limits.partitionCount()),
    allowedPerSecond(nowMs) {
      const count = Math.max(partitions, limits.partitionCount());
      return limitPerSecond * (ails(nowMs) ? count - 1 + (ailing?.factor ?? 1) : count);
    },
  };
}
