// Charts as SVG text: lines over a number, bars over names, and panels of lines side by side. Drawn by echarts without a
// browser; the text needs no script, no font file and nothing else from outside.
import {
  colourAt,
  draw,
  type Frame,
  gridBelow,
  headHeight,
  LEGEND_HEIGHT,
  type Level,
  type LineSeries,
  legendOf,
  lineOf,
  MARGIN,
  type Scale,
  TEXT,
  valueAxis,
  WIDTH,
  X_AXIS_HEIGHT,
  Y_AXIS_WIDTH,
} from './chart-parts.ts';
import { FAINT_INK, FONT, INK } from './theme.ts';

export interface LineChartOptions extends Frame {
  yTitle: string;
  series: readonly LineSeries[];
  levels?: readonly Level[];
  xScale?: Scale;
  yScale?: Scale;
  xMin?: number;
  xMax?: number;
  yMin?: number;
  yMax?: number;
}

export interface BarChartOptions extends Frame {
  categories: readonly string[];
  /** A value for each category; bars that share a `stack` stand on each other. */
  series: readonly {
    name: string;
    values: readonly (number | null)[];
    colour?: string;
    stack?: string;
    /** What stands at a bar's end; absent: nothing. */
    label?: (value: number) => string;
  }[];
}

export interface PanelChartOptions extends Frame {
  yTitle: string;
  panels: readonly { title: string; series: readonly LineSeries[]; levels?: readonly Level[] }[];
}

/** Of one panel, titles included. */
const PANEL_HEIGHT = 190;
const PANEL_COLUMNS = 2;
/** Room for what stands at the end of a lying bar. */
const LABEL_WIDTH = 72;
const HEIGHT = 400;

export function lineChart(options: LineChartOptions): string {
  const { series, levels = [], xScale = 'linear', yScale = 'linear' } = options;
  const { xMin, xMax, yMin, yMax } = options;
  return draw(options, options.height ?? HEIGHT, {
    legend: legendOf(series),
    grid: gridBelow(headHeight(options), series.length > 1),
    xAxis: valueAxis(options.xTitle, 'x', xScale, { min: xMin, max: xMax }),
    yAxis: valueAxis(options.yTitle, 'y', yScale, { min: yMin, max: yMax }),
    series: series.map((one, index) => lineOf(one, index, index === 0 ? levels : [])),
  });
}

/** Bars lie, for long names: xTitle names the values. */
export function barChart(options: BarChartOptions): string {
  const { categories, series } = options;
  const isLabelled = series.some(({ label }) => label !== undefined);
  const nameWidth = Math.max(0, ...categories.map((name) => name.length)) * 7.5 + MARGIN;
  return draw(options, options.height ?? HEIGHT, {
    legend: legendOf(series),
    grid: {
      ...gridBelow(headHeight(options), series.length > 1, nameWidth),
      ...(isLabelled ? { right: MARGIN + LABEL_WIDTH } : {}),
    },
    xAxis: valueAxis(options.xTitle, 'x', 'linear', {}),
    yAxis: {
      type: 'category' as const,
      data: [...categories],
      inverse: true,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: FAINT_INK.light } },
      axisLabel: { ...TEXT, interval: 0 },
    },
    series: series.map(({ name, values, colour, stack, label }, index) => ({
      type: 'bar',
      silent: true,
      name,
      data: values.map((value) => value ?? '-'),
      itemStyle: { color: colour ?? colourAt(index) },
      barMaxWidth: 30,
      ...(stack === undefined ? {} : { stack }),
      ...(label === undefined
        ? {}
        : {
            label: {
              ...TEXT,
              show: true,
              position: 'right' as const,
              textBorderWidth: 0,
              formatter: ({ value }) => (typeof value === 'number' ? label(value) : ''),
            },
          }),
    })),
  });
}

/** Two panels side by side, and so many rows, with the same axes. Series of the same name share one entry of the legend. */
export function panelChart(options: PanelChartOptions): string {
  const { panels } = options;
  const rows = Math.ceil(panels.length / PANEL_COLUMNS);
  const top = headHeight(options) + LEGEND_HEIGHT;
  const panelWidth = (WIDTH - 2 * MARGIN) / PANEL_COLUMNS;
  const points = panels.flatMap(({ series }) => series.flatMap((one) => one.points));
  const xMax = Math.max(0, ...points.map(([x]) => x));
  const yMax = roundUp(Math.max(0, ...panels.map(({ series }) => highest(series))));
  const named = new Map(panels.flatMap(({ series }) => series.map((one) => [one.name, one] as const)));
  const place = (index: number) => ({
    left: MARGIN + (index % PANEL_COLUMNS) * panelWidth,
    top: top + Math.floor(index / PANEL_COLUMNS) * PANEL_HEIGHT,
    isLeft: index % PANEL_COLUMNS === 0,
    isLast: index + PANEL_COLUMNS >= panels.length,
  });
  return draw(
    options,
    top + rows * PANEL_HEIGHT + MARGIN,
    {
      legend: { ...legendOf([...named.values()], true), bottom: 'auto', top: headHeight(options) },
      grid: panels.map((_, index) => {
        const { left, top: panelTop } = place(index);
        return {
          left: left + Y_AXIS_WIDTH,
          top: panelTop + 30,
          width: panelWidth - Y_AXIS_WIDTH - MARGIN,
          height: PANEL_HEIGHT - 30 - X_AXIS_HEIGHT,
          outerBoundsMode: 'none' as const,
        };
      }),
      xAxis: panels.map((_, index) => ({
        ...valueAxis(place(index).isLast ? options.xTitle : '', 'x', 'linear', { min: 0, max: xMax }),
        gridIndex: index,
      })),
      yAxis: panels.map((_, index) => ({
        ...valueAxis(place(index).isLeft ? options.yTitle : '', 'y', 'linear', { min: 0, max: yMax }),
        gridIndex: index,
        interval: yMax / 2,
      })),
      series: panels.flatMap(({ series, levels = [] }, panel) =>
        series.map((one, index) => ({
          ...lineOf(one, index, index === 0 ? levels : []),
          xAxisIndex: panel,
          yAxisIndex: panel,
        })),
      ),
    },
    panels.map(({ title }, index) => ({
      text: title,
      left: place(index).left + Y_AXIS_WIDTH,
      top: place(index).top,
      padding: [6, 0],
      textStyle: { fontFamily: FONT, fontSize: 14, fontWeight: 'bold' as const, color: INK.light },
    })),
  );
}

/** The highest value, or the highest stack of values at one x. */
function highest(series: readonly LineSeries[]): number {
  const heights = new Map<string, number>();
  for (const [index, { stack, points }] of series.entries()) {
    for (const [x, y] of points) {
      const place = `${stack ?? index} at ${x}`;
      heights.set(place, (heights.get(place) ?? 0) + (y ?? 0));
    }
  }
  return Math.max(0, ...heights.values());
}

/** To the next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten: a round end for an axis. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value) ?? 10;
  return step * power;
}
