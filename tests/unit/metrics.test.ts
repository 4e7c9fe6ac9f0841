// The table of metrics: what it says of the functions is what they do, and the dashboard shows all of it.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../functions/runtime/metrics.js';
import { dashboardBody } from '../../infrastructure/dashboard.js';

const FUNCTIONS = ['ingest', 'upload', 'settle', 'sweep', 'dead-letters', 'api'];
const readFunctionFile = (path: string): string =>
  readFileSync(new URL(`../../functions/${path}`, import.meta.url), 'utf8');

/** A function's own files, with the record loop where it uses that. */
const sourceOf = (name: string): string => {
  const files = readdirSync(new URL(`../../functions/${name}/`, import.meta.url));
  const source = files.map((file) => readFunctionFile(`${name}/${file}`)).join('\n');
  return source.includes('eachRecord(') ? source + readFunctionFile('runtime/records.ts') : source;
};
const SOURCES = new Map(FUNCTIONS.map((name) => [name, sourceOf(name)]));

describe.each(Object.entries(METRICS))('the metric %s', (name, { title, panel, functions }) => {
  it('is counted by the functions that the table names, and by no other', () => {
    const counting = FUNCTIONS.filter((of) => new RegExp(`\\b${name}:`).test(SOURCES.get(of) ?? ''));
    expect(counting).toEqual(FUNCTIONS.filter((of) => (functions as readonly string[]).includes(of)));
    expect(counting).not.toEqual([]);
  });

  it('has a title of its own, and a line for each function in its panel', () => {
    expect(Object.values(METRICS).filter((metric) => metric.title === title)).toHaveLength(1);
    const lines = panels().get(panel) ?? [];
    const own = lines.filter(([, metric]) => metric === name);
    expect(own.map(([namespace, , dimension, service]) => [namespace, dimension, service])).toEqual(
      functions.map((of) => ['Spillway', 'service', `spillway-dev-${of}`]),
    );
    for (const line of own) expect(line[4]).toMatchObject({ label: expect.stringContaining(title) });
  });
});

it('the dashboard shows no metric of ours twice, nor one that the table lacks', () => {
  const own = [...panels().values()].flat().filter(([namespace]) => namespace === 'Spillway');
  expect(own).toHaveLength(Object.values(METRICS).flatMap(({ functions }) => functions).length);
  expect(new Set(own.map(([, metric]) => metric))).toEqual(new Set(Object.keys(METRICS)));
});

/** The lines of the dashboard's graphs, by the graph's title. */
function panels(): Map<string, unknown[][]> {
  const { widgets } = JSON.parse(dashboardBody('spillway-dev')['Fn::Sub']) as {
    widgets: { properties: { title: string; metrics: unknown[][] } }[];
  };
  return new Map(widgets.map(({ properties: { title, metrics } }) => [title, metrics]));
}
