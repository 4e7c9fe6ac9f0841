// The functions' output: cuts it into lines, sums metrics in CloudWatch's embedded metric format, passes the rest on.
import { parseJson } from '../../shared/text/parse-json.ts';

/** Sums of the metrics, by metric name. */
export type MetricSums = Record<string, number>;

export interface FunctionLogs {
  /** A writer for one environment: text in, lines out. */
  writer(functionName: string): (text: string) => void;
  metrics(): MetricSums;
  metricsOf(functionName: string): MetricSums;
  /** Of all lines, metrics included. */
  bytes(): number;
  /** The last lines, but those of metrics alone. A log line may carry metrics. */
  lines(): { functionName: string; line: string }[];
}

export interface FunctionLogsOptions {
  sink?: (line: string, functionName: string) => void;
  /** Lines kept for `lines()`. */
  keep?: number;
}

/** Lines kept without a listener: enough to see what led to a failure. */
const LINES_KEPT = 2_000;
/** A line longer than this is cut, as CloudWatch Logs does at 256 KB. */
const LINE_LIMIT = 256 * 1024;

interface EmbeddedMetrics {
  _aws?: { CloudWatchMetrics?: { Metrics?: { Name: string }[] }[] };
  [member: string]: unknown;
}

export function createFunctionLogs({ sink, keep = LINES_KEPT }: FunctionLogsOptions = {}): FunctionLogs {
  const sums = new Map<string, MetricSums>();
  const kept: { functionName: string; line: string }[] = [];
  let bytes = 0;

  function take(functionName: string, line: string): void {
    if (line === '') return;
    bytes += Buffer.byteLength(line);
    const metrics = line.includes('"CloudWatchMetrics"') ? embeddedMetrics(line) : undefined;
    if (metrics !== undefined) {
      const own = sums.get(functionName) ?? {};
      for (const [name, value] of metrics) own[name] = (own[name] ?? 0) + value;
      sums.set(functionName, own);
      if (!line.includes('"message":')) return;
    }
    sink?.(line, functionName);
    kept.push({ functionName, line });
    if (kept.length > keep) kept.splice(0, kept.length - keep);
  }

  return {
    writer(functionName) {
      let rest = '';
      return (text) => {
        const lines = (rest + text).split('\n');
        rest = (lines.pop() ?? '').slice(0, LINE_LIMIT);
        for (const line of lines) take(functionName, line.slice(0, LINE_LIMIT));
      };
    },
    metrics() {
      const total: MetricSums = {};
      for (const own of sums.values()) {
        for (const [name, value] of Object.entries(own)) total[name] = (total[name] ?? 0) + value;
      }
      return total;
    },
    metricsOf: (functionName) => ({ ...sums.get(functionName) }),
    bytes: () => bytes,
    lines: () => [...kept],
  };
}

/** Name and value of each metric in the line; a value may be a list of values. Undefined where the line is no EMF. */
export function embeddedMetrics(line: string): [name: string, value: number][] | undefined {
  const parsed = parseJson(line) as EmbeddedMetrics | null | undefined;
  const directives = parsed?._aws?.CloudWatchMetrics;
  if (!parsed || !Array.isArray(directives)) return undefined;
  const members = parsed;
  return directives.flatMap(({ Metrics = [] }) =>
    Metrics.map(({ Name }): [string, number] => {
      const value = members[Name];
      const list = Array.isArray(value) ? value : [value];
      return [Name, list.reduce((sum: number, each) => sum + Number(each ?? 0), 0)];
    }),
  );
}
