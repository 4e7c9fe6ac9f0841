// The table of metrics: what it says of the functions is what they do, and the dashboard shows all of it. After a change of the
// table: npx vitest run tests/unit/metrics.test.ts -u
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRIC_MEANINGS } from '../../functions/runtime/metric-meanings.js';
import { METRIC_UNITS } from '../../functions/runtime/metric-units.js';
import { METRICS } from '../../functions/runtime/metrics.js';
import type { MetricName } from '../../functions/runtime/telemetry.ts';
import { dashboardBody, dashboardPanels } from '../../infrastructure/dashboard.js';

const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
const SETTINGS = {
  prefix: 'spillway-dev',
  memoryMb: { ...Object.fromEntries(FUNCTIONS.map((name) => [name, 512])), ingest: 1024 },
};
const readFunctionFile = (path: string): string =>
  readFileSync(new URL(`../../functions/${path}`, import.meta.url), 'utf8');

/** A function's own files, with the record loop and the count of ended jobs where it uses them. */
const sourceOf = (name: string): string => {
  const files = readdirSync(new URL(`../../functions/${name}/`, import.meta.url));
  const source = files.map((file) => readFunctionFile(`${name}/${file}`)).join('\n');
  return [
    source,
    ...(source.includes('eachRecord(') ? [readFunctionFile('runtime/records.ts')] : []),
    ...(source.includes('wireEnd(') ? [readFunctionFile('runtime/counted-ends.ts')] : []),
  ].join('\n');
};
const SOURCES = new Map(FUNCTIONS.map((name) => [name, sourceOf(name)]));

const ENTRIES = Object.entries(METRICS) as [MetricName, (typeof METRICS)[MetricName]][];
const metricRow = ([name, { panel, unit, functions }]: (typeof ENTRIES)[number]) =>
  `| ${panel} | \`${name}\` | ${METRIC_MEANINGS[name]} | ${unit} | ${functions.join(', ')} |`;
const PANELS = dashboardPanels(SETTINGS).flat();

const REFERENCE = `# Metrics and dashboard

What CloudWatch has of a stack. Costs, saved queries and traces: [operations.md](operations.md#metrics-and-dashboard).

## Metrics of the functions

In the namespace \`Spillway\`, with the function as their only dimension: \`service\` = \`spillway-STAGE-FUNCTION\`.

| panel | metric | what it is | unit | counted by |
| --- | --- | --- | --- | --- |
${PANELS.flatMap(({ title }) => ENTRIES.filter(([, { panel }]) => panel === title).map(metricRow)).join('\n')}

## Metrics of AWS

| panel | what it shows |
| --- | --- |
${PANELS.filter(({ means }) => means !== '')
  .map(({ title, means }) => `| ${title} | ${means} |`)
  .join('\n')}
`;

describe.each(Object.entries(METRICS))('the metric %s', (name, { title, panel, functions, stats }) => {
  it('is counted by the functions that the table names, and by no other', () => {
    const counting = FUNCTIONS.filter((of) =>
      new RegExp(`\\b${name}:|'${name}'`).test(SOURCES.get(of) ?? ''),
    );
    expect(counting).toEqual(FUNCTIONS.filter((of) => (functions as readonly string[]).includes(of)));
    expect(counting).not.toEqual([]);
  });

  it('has a title of its own, and a line for each function and statistic in its panel', () => {
    expect(Object.values(METRICS).filter((metric) => metric.title === title)).toHaveLength(1);
    const lines = panels().get(panel) ?? [];
    const own = lines.filter(([, metric]) => metric === name);
    expect(own.map(([namespace, , dimension, service]) => [namespace, dimension, service])).toEqual(
      functions.flatMap((of) => stats.map(() => ['Spillway', 'service', `spillway-dev-${of}`])),
    );
    for (const line of own) expect(line[4]).toMatchObject({ label: expect.stringContaining(title) });
    expect(new Set(own.map((line) => JSON.stringify(line[4]))).size).toBe(own.length);
  });
});

it('the dashboard shows no metric of ours twice, nor one that the table lacks', () => {
  const own = [...panels()]
    .filter(([title]) => !title.startsWith('Estimated cost'))
    .flatMap(([, all]) => all);
  const shown = own.filter(([namespace]) => namespace === 'Spillway');
  const lines = Object.values(METRICS).flatMap(({ functions, stats }) => functions.flatMap(() => stats));
  expect(shown).toHaveLength(lines.length);
  expect(new Set(shown.map(([, metric]) => metric))).toEqual(new Set(Object.keys(METRICS)));
});

describe('the estimate of the cost', () => {
  const lines = () => panels().get('Estimated cost, US$ an hour') ?? [];
  const expressions = () =>
    lines().flatMap(([first]) => (typeof first === 'object' ? [first as { expression: string }] : []));
  const hidden = () => lines().filter(([first]) => typeof first === 'string');

  it('uses every series of its own, and no other', () => {
    const ids = hidden().map((line) => (line.at(-1) as { id: string }).id);
    const used = expressions().flatMap(({ expression }) =>
      [...expression.matchAll(/FILL\((\w+), 0\)/g)].map(([, id]) => String(id)),
    );
    expect(used.toSorted()).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]\w*$/);
  });

  it('gives the sum that its formula says', () => {
    const total = (of: string, values: Record<string, number>) => {
      const { expression = '' } =
        expressions().find((each) => JSON.stringify(each).includes(`"${of}"`)) ?? {};
      const plain = expression.replaceAll(/FILL\((\w+), 0\)/g, (_, id) => String(values[id] ?? 0));
      return arithmetic(plain);
    };
    expect(total('S3 writes', { attempts: 1_100_000, throttled: 100_000 })).toBeCloseTo(5, 6);
    expect(total('SQS', { sent0: 1e6, taken1: 1e6, gone2: 1e6, empty0: 700_000 })).toBeCloseTo(0.4, 6);
    // The first function has 1 GB: 1,000 seconds of it, and a million calls.
    expect(total('Lambda', { time0: 1e6, calls3: 1e6 })).toBeCloseTo(0.2133334, 6);
    expect(total('DynamoDB', { writes0: 1e6, reads1: 1e6 })).toBeCloseTo(0.75, 6);
    expect(total('Logs', { bytes2: 2e9 })).toBeCloseTo(1, 6);
  });
});

it('has a unit for no name that is not in the table', () => {
  expect(Object.keys(METRICS)).toEqual(expect.arrayContaining(Object.keys(METRIC_UNITS)));
});

it('docs/metrics.md says what each panel and metric is', async () => {
  await expect(REFERENCE).toMatchFileSnapshot('../../docs/metrics.md');
});

it('docs/operations.md says how many metrics are billed', () => {
  const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const series = Object.values(METRICS).flatMap(({ functions }) => functions).length;
  expect(/(\d+) metrics of our own/.exec(text)?.[1]).toBe(String(series));
});

/** The lines of the dashboard's graphs, by the graph's title. */
function panels(): Map<string, unknown[][]> {
  const { widgets } = JSON.parse(dashboardBody(SETTINGS)['Fn::Sub']) as {
    widgets: { properties: { title?: string; metrics?: unknown[][] } }[];
  };
  return new Map(widgets.map(({ properties: { title = 'text', metrics = [] } }) => [title, metrics]));
}

/** The value of an expression of numbers, + - * / and brackets. */
function arithmetic(expression: string): number {
  if (!/^[\d\s.e+\-*/()]+$/.test(expression)) throw new Error(`no arithmetic: ${expression}`);
  return Number(new Function(`return ${expression}`)());
}
