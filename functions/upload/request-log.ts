// What a batch learned of its requests to S3: how long they took, at which pace they left, and which keys were refused. It stays
// small, however many requests a batch sends.
import type { ThrottleScope } from '../../shared/aws/classify.ts';
import type { PacingGroup } from '../../shared/pacing/adaptive-pacer.ts';
import type { Random } from '../../shared/time/random.ts';
import type { SentRequest } from '../../shared/transfer/paced-request.ts';

/** Latencies that a batch reports: a uniform sample, where it has more. Powertools takes fewer than 100 values of a metric a line. */
const MAX_LATENCIES = 50;
/** Prefixes that are counted; of more, the first ones. Those that refuse much are soon among them. */
const MAX_PREFIXES = 1_000;
/** Prefixes that a log line names. */
const MAX_PREFIXES_LOGGED = 5;
/** Pacing groups that a batch reports: a bucket and its stretches are nine at most, and most batches have one bucket. */
const MAX_GROUPS = 50;
/** Folders of a prefix, below the folder that its job writes to. Two of spread `binary` are 256 ranges of keys. */
const PREFIX_FOLDERS = 2;

/** What refused a request: a limit of the destination, or the source of the object. */
export type ThrottleCause = ThrottleScope | 'source';

export interface ThrottledPrefix {
  /** `bucket/folder/`; of a web source its host in place of the bucket. */
  prefix: string;
  cause: ThrottleCause;
  times: number;
}

export interface RequestSummary {
  /** Milliseconds of requests that the destination took. */
  latenciesMs: readonly number[];
  throttledBy: Readonly<Record<ThrottleCause, number>>;
  /** The prefixes with the most refusals, these first. */
  throttledPrefixes: readonly ThrottledPrefix[];
  /** The destination's pacing groups that requests left in. */
  groups: readonly PacingGroup[];
}

/** @param destinations where the jobs of the batch write; the prefix is empty or ends in `/` */
export function createRequestLog(
  random: Random,
  destinations: readonly { bucket: string; prefix: string }[],
) {
  const buckets = new Set(destinations.map(({ bucket }) => bucket));
  const latenciesMs: number[] = [];
  let taken = 0;
  const groups = new Set<PacingGroup>();
  const throttledBy = { partition: 0, kms: 0, object: 0, account: 0, source: 0 };
  const prefixes = new Map<string, ThrottledPrefix>();

  /** Each of the requests so far is in the sample with the same probability (Vitter's algorithm R). */
  function sample(ms: number): void {
    taken++;
    const place = taken <= MAX_LATENCIES ? taken - 1 : Math.floor(random() * taken);
    if (place < MAX_LATENCIES) latenciesMs[place] = ms;
  }

  function countRefusal({ bucket, key }: SentRequest['place'], cause: ThrottleCause): void {
    throttledBy[cause]++;
    const root = destinations.find((each) => each.bucket === bucket && key.startsWith(each.prefix));
    const prefix = `${bucket}/${prefixOf(key, root?.prefix ?? '')}`;
    const id = `${cause} ${prefix}`;
    const known = prefixes.get(id);
    if (known !== undefined) known.times++;
    else if (prefixes.size < MAX_PREFIXES) prefixes.set(id, { prefix, cause, times: 1 });
  }

  return {
    hear({ place, group, ms, fault, isOfSource }: SentRequest): void {
      const isOfDestination = !isOfSource && buckets.has(place.bucket);
      if (isOfDestination && groups.size < MAX_GROUPS) groups.add(group);
      if (fault === undefined && isOfDestination) sample(ms);
      if (fault?.kind === 'throttle') countRefusal(place, isOfDestination ? fault.scope : 'source');
    },
    summary: (): RequestSummary => ({
      latenciesMs,
      throttledBy,
      throttledPrefixes: [...prefixes.values()]
        .toSorted((left, right) => right.times - left.times)
        .slice(0, MAX_PREFIXES_LOGGED),
      groups: [...groups],
    }),
  };
}

/** The first folders of a key. A key without a folder below `root` gives `root`. */
function prefixOf(key: string, root: string): string {
  let end = root.length;
  for (let folders = 0; folders < PREFIX_FOLDERS; folders++) {
    const slash = key.indexOf('/', end);
    if (slash < 0) break;
    end = slash + 1;
  }
  return key.slice(0, end);
}
