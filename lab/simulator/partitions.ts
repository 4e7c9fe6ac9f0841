// S3 as the fleet sees it: the embedded cloud's model of its limits, with limits that change and a weak partition.
import { createS3Limits } from '../../local/aws/s3/s3-limits.ts';
import type { FleetOptions } from './fleet-options.ts';
import { evenStartKeys, firstKeyOf, SPREAD_PATHS } from './key-space.ts';

export interface SimulatedS3 {
  /** Whether S3 takes a write to the path of this number. */
  admits(key: number, nowMs: number): boolean;
  pathOf(key: number): string;
  setLimit(limitPerSecond: number, nowMs: number): void;
  partitionCount(): number;
  /** Writes a second that all partitions together allow. */
  allowedPerSecond(nowMs: number): number;
}

export function createSimulatedS3(options: FleetOptions): SimulatedS3 {
  const { partitions, burstSeconds, splits, weakPartition } = options;
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
    weakPartition === undefined || weakPartition.factor === 0
      ? undefined
      : createS3Limits({ limitPerSecond: limitPerSecond * weakPartition.factor, burstSeconds });
  const weakFromKey = weakPartition === undefined ? 0 : firstKeyOf(weakPartition.partition, partitions);
  const weakToKey = weakPartition === undefined ? 0 : firstKeyOf(weakPartition.partition + 1, partitions);

  const isWeak = (nowMs: number) =>
    weakPartition !== undefined &&
    nowMs >= weakPartition.fromSecond * 1000 &&
    nowMs < weakPartition.toSecond * 1000;
  const pathOf = (key: number) => SPREAD_PATHS[key] ?? '';
  return {
    pathOf,
    admits(key, nowMs) {
      if (key >= weakFromKey && key < weakToKey && isWeak(nowMs)) {
        return weak?.admit('write', pathOf(key), nowMs) ?? false;
      }
      return limits.admit('write', pathOf(key), nowMs);
    },
    setLimit(newLimitPerSecond, nowMs) {
      limitPerSecond = newLimitPerSecond;
      limits.setLimit(newLimitPerSecond, nowMs);
      weak?.setLimit(newLimitPerSecond * (weakPartition?.factor ?? 1), nowMs);
    },
    partitionCount: () => Math.max(partitions, limits.partitionCount()),
    allowedPerSecond(nowMs) {
      const count = Math.max(partitions, limits.partitionCount());
      return limitPerSecond * (isWeak(nowMs) ? count - 1 + (weakPartition?.factor ?? 1) : count);
    },
  };
}
