// The page of the embedded cloud: what CloudWatch's dashboard would show, on the API's port. It polls, and needs nothing
// from elsewhere.
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { METRICS } from '../../functions/runtime/metrics.js';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import type { S3LimitsReading } from '../aws/s3/s3-limits.ts';
import type { Cloud } from '../cloud.ts';

/** Seconds of the destination's writes that the chart shows. */
const CHART_SECONDS = 120;
/** The metrics among the page's figures. */
const SHOWN: readonly MetricName[] = [
  'ObjectsStored',
  'Throttled',
  'RefusedReturned',
  'RefusedReposted',
  'UntriedReturned',
  'UntriedReposted',
];
const HTML = readFileSync(new URL('./page.html', import.meta.url));
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export interface PageState {
  nowMs: number;
  s3: string;
  names: { inbox: string; destination: string; reports: string };
  /** Of the destination, oldest first; seconds without writes are left out. */
  writesBySecond: { second: number; accepted: number; throttled: number }[];
  limits?: Pick<S3LimitsReading, 'limitPerSecond'> & { partitions: number };
  /** By logical id. */
  queues: Record<string, { visible: number; inFlight: number; delayed: number }>;
  /** Sums of the functions' metrics since the start. */
  metrics: { title: string; value: number }[];
}

/** Serves the page at / and what it polls at /page/state. */
export function servePage(cloud: Cloud): void {
  cloud.serve('/', (_request, response) => answer(response, 'text/html; charset=utf-8', HTML));
  cloud.serve('/page/state', async (_request, response) => {
    answer(response, 'application/json', Buffer.from(JSON.stringify(await stateOf(cloud))));
  });
}

async function stateOf(cloud: Cloud): Promise<PageState> {
  const nowMs = Date.now();
  const [meter, queues] = await Promise.all([cloud.meter(), cloud.queueDepths()]);
  const sums = cloud.metrics();
  const { inbox, destination, reports } = cloud.names;
  const { writesBySecond = [], limits } = meter.s3.buckets[destination] ?? {};
  const sinceSecond = Math.floor(nowMs / 1000) - CHART_SECONDS;
  return {
    nowMs,
    s3: cloud.endpoints.aws,
    names: { inbox, destination, reports },
    writesBySecond: writesBySecond.filter(({ second }) => second >= sinceSecond),
    ...(limits === undefined
      ? {}
      : { limits: { limitPerSecond: limits.limitPerSecond, partitions: limits.partitions.length } }),
    queues,
    metrics: SHOWN.map((name) => ({ title: METRICS[name].title, value: sums[name] ?? 0 })),
  };
}

function answer(response: ServerResponse, contentType: string, body: Buffer): void {
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    'content-type': contentType,
    'content-length': body.length,
  });
  response.end(body);
}
