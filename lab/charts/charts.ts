// Charts as SVG text: lines over a number, bars over names, and panels of lines side by side. Drawn by echarts without a
// browser; the text needs no script, no font file and nothing else from outside.
import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  MarkLineComponent,
  type MarkLineComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { selfContained } from './svg.ts';
import { FAINT_INK, FONT, GROUND, INK, RULE, SERIES } from './theme.ts';

use([BarChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

type Option = ComposeOption<
  | BarSeriesOption
  | LineSeriesOption
  | GridComponentOption
  | LegendComponentOption
  | MarkLineComponentOption
  | TitleComponentOption
>;

export interface LineSeries {
  name: string;
  /** x and y; a gap where y is null. */
  points: readonly (readonly [number, number | null])[];
  colour?: string;
  dashed?: boolean;
  /** Fills down to the axis. */
  filled?: boolean;
  /** A dot at each point: for few points. */
  dots?: boolean;
  /** Series that share a `stack` stand on each other. Their points need the same x. */
  stack?: string;
  /** Holds its value until the next point, as what changes at once does. */
  stepped?: boolean;
}

/** A line across the chart, such as a limit. */
export interface Level {
  name: string;
  y: number;
}

export type Scale = 'linear' | 'log';

interface Frame {
  title: string;
  subtitle?: string;
  /** With the unit: `seconds since the first request`. */
  xTitle: string;
  yTitle: string;
  /** Pixels; the chart scales with the page. */
  width?: number;
  height?: number;
}

export interface LineChartOptions extends Frame {
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
  levels?: readonly Level[];
  /** Bars lie, for long names. Then the categories are on the y axis: xTitle names the values, yTitle the categories. */
  lying?: boolean;
  valueScale?: Scale;
}

export interface PanelChartOptions extends Frame {
  panels: readonly { title: string; series: readonly LineSeries[]; levels?: readonly Level[] }[];
  /** Default 2. */
  columns?: number;
  /** Pixels of one panel, titles included. Default 190. */
  panelHeight?: number;
  /** Shared by the panels, so that they can be compared; by default as wide as the widest. */
  xMax?: number;
  yMax?: number;
}

const WIDTH = 860;
const HEIGHT = 400;
const PANEL_HEIGHT = 190;
const MARGIN = 16;
/** Room for the numbers along an axis and its title. */
const Y_AXIS_WIDTH = 64;
const X_AXIS_HEIGHT = 52;
const LEGEND_HEIGHT = 28;
/** Room for what stands at the end of a lying bar. */
const LABEL_WIDTH = 72;
const TEXT = { fontFamily: FONT, fontSize: 13, color: FAINT_INK.light };

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

export function barChart(options: BarChartOptions): string {
  const { categories, series, levels = [], lying = false, valueScale = 'linear' } = options;
  const values = valueAxis(lying ? options.xTitle : options.yTitle, lying ? 'x' : 'y', valueScale, {});
  const names = {
    type: 'category' as const,
    data: [...categories],
    inverse: lying,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: FAINT_INK.light } },
    axisLabel: { ...TEXT, interval: 0 },
    name: lying ? '' : options.xTitle,
    nameLocation: 'middle' as const,
    nameGap: 30,
    nameTextStyle: TEXT,
  };
  const isLabelled = lying && series.some(({ label }) => label !== undefined);
  const nameWidth = lying ? Math.max(0, ...categories.map((name) => name.length)) * 7.5 + MARGIN : undefined;
  return draw(options, options.height ?? HEIGHT, {
    legend: legendOf(series),
    grid: {
      ...gridBelow(headHeight(options), series.length > 1, nameWidth),
      ...(isLabelled ? { right: MARGIN + LABEL_WIDTH } : {}),
    },
    xAxis: lying ? values : names,
    yAxis: lying ? names : values,
    series: series.map(({ name, values: data, colour, stack, label }, index) => ({
      type: 'bar',
      silent: true,
      name,
      data: data.map((value) => value ?? '-'),
      itemStyle: { color: colour ?? colourAt(index) },
      barMaxWidth: 30,
      ...(stack === undefined ? {} : { stack }),
      ...(label === undefined
        ? {}
        : {
            label: {
              ...TEXT,
              show: true,
              position: lying ? ('right' as const) : ('top' as const),
              textBorderWidth: 0,
              formatter: ({ value }) => (typeof value === 'number' ? label(value) : ''),
            },
          }),
      ...markLevels(index === 0 ? levels : [], lying ? 'xAxis' : 'yAxis'),
    })),
  });
}

/** The same chart once for each panel, with the same axes. Series of the same name share one entry of the legend. */
export function panelChart(options: PanelChartOptions): string {
  const { panels, columns = 2, panelHeight = PANEL_HEIGHT, width = WIDTH } = options;
  const rows = Math.ceil(panels.length / columns);
  const top = headHeight(options) + LEGEND_HEIGHT;
  const panelWidth = (width - 2 * MARGIN) / columns;
  const points = panels.flatMap(({ series }) => series.flatMap((one) => one.points));
  const xMax = options.xMax ?? Math.max(0, ...points.map(([x]) => x));
  const yMax = options.yMax ?? roundUp(Math.max(0, ...panels.map(({ series }) => highest(series))));
  const named = new Map(panels.flatMap(({ series }) => series.map((one) => [one.name, one] as const)));
  const place = (index: number) => ({
    left: MARGIN + (index % columns) * panelWidth,
    top: top + Math.floor(index / columns) * panelHeight,
    isLeft: index % columns === 0,
    isLast: index + columns >= panels.length,
  });
  return draw(
    options,
    top + rows * panelHeight + MARGIN,
    {
      legend: { ...legendOf([...named.values()], true), bottom: 'auto', top: headHeight(options) },
      grid: panels.map((_, index) => {
        const { left, top: panelTop } = place(index);
        return {
          left: left + Y_AXIS_WIDTH,
          top: panelTop + 30,
          width: panelWidth - Y_AXIS_WIDTH - MARGIN,
          height: panelHeight - 30 - X_AXIS_HEIGHT,
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

function colourAt(index: number): string {
  return SERIES[index % SERIES.length] ?? SERIES[0];
}

function draw(
  frame: Frame,
  height: number,
  option: Option,
  furtherTitles: TitleComponentOption[] = [],
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: frame.width ?? WIDTH, height });
  try {
    chart.setOption({
      ...option,
      animation: false,
      backgroundColor: GROUND.light,
      textStyle: TEXT,
      title: [titleOf(frame), ...furtherTitles],
    } satisfies Option);
    return selfContained(chart.renderToSVGString(), frame);
  } finally {
    chart.dispose();
  }
}

function titleOf({ title, subtitle }: Frame): TitleComponentOption {
  return {
    text: title,
    ...(subtitle === undefined ? {} : { subtext: subtitle }),
    left: MARGIN,
    top: MARGIN - 4,
    padding: 0,
    itemGap: 6,
    textStyle: { fontFamily: FONT, fontSize: 16, fontWeight: 'bold', color: INK.light },
    subtextStyle: TEXT,
  };
}

function headHeight({ subtitle }: Frame): number {
  const lines = subtitle === undefined ? 0 : subtitle.split('\n').length;
  return MARGIN + 24 + lines * 19;
}

function gridBelow(top: number, hasLegend: boolean, left = Y_AXIS_WIDTH): GridComponentOption {
  return {
    left: MARGIN + left,
    right: MARGIN + 24,
    top: top + 14,
    bottom: X_AXIS_HEIGHT + (hasLegend ? LEGEND_HEIGHT : 0),
    // The margins above hold the labels; echarts' own guess at text widths would move the axes.
    outerBoundsMode: 'none',
  };
}

function legendOf(series: readonly { name: string }[], always = false): LegendComponentOption {
  return {
    show: always || series.length > 1,
    left: MARGIN,
    bottom: 6,
    data: [...new Set(series.map(({ name }) => name))],
    icon: 'roundRect',
    itemWidth: 14,
    itemHeight: 8,
    itemGap: 26,
    inactiveColor: FAINT_INK.light,
    textStyle: TEXT,
    selectedMode: false,
  };
}

function valueAxis(
  name: string,
  which: 'x' | 'y',
  scale: Scale,
  { min, max }: { min?: number | undefined; max?: number | undefined },
) {
  return {
    type: scale === 'log' ? ('log' as const) : ('value' as const),
    name,
    nameLocation: 'middle' as const,
    nameGap: which === 'x' ? 30 : 48,
    nameTextStyle: TEXT,
    axisLine: { show: which === 'x', lineStyle: { color: FAINT_INK.light } },
    axisTick: { show: which === 'x', lineStyle: { color: FAINT_INK.light } },
    axisLabel: { ...TEXT, hideOverlap: true, formatter: axisNumber },
    splitLine: { show: which === 'y', lineStyle: { color: RULE.light } },
    minorTick: { show: false },
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}

function lineOf(series: LineSeries, index: number, levels: readonly Level[]): LineSeriesOption {
  const colour = series.colour ?? colourAt(index);
  return {
    type: 'line',
    silent: true,
    name: series.name,
    data: series.points.map(([x, y]) => [x, y ?? '-']),
    showSymbol: series.dots === true,
    symbol: 'circle',
    symbolSize: 7,
    step: series.stepped === true ? 'end' : false,
    itemStyle: { color: colour },
    lineStyle: {
      color: colour,
      width: lineWidth(series),
      ...(series.dashed === true ? { type: 'dashed' as const } : {}),
    },
    ...(series.stack === undefined ? {} : { stack: series.stack }),
    ...(series.filled === true
      ? { areaStyle: { color: colour, opacity: series.stack === undefined ? 0.3 : 0.85 } }
      : {}),
    ...markLevels(levels, 'yAxis'),
  };
}

/** A stacked area has no outline: over nothing it would look like something. */
function lineWidth({ stack, filled }: LineSeries): number {
  return stack !== undefined && filled === true ? 0 : 2;
}

function markLevels(levels: readonly Level[], axis: 'xAxis' | 'yAxis') {
  if (levels.length === 0) return {};
  return {
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: FAINT_INK.light, type: [6, 4] as [number, number], width: 1.5 },
      label: {
        ...TEXT,
        // echarts draws a rim in white around it, which a dark ground would show.
        textBorderWidth: 0,
        position: axis === 'yAxis' ? ('insideEndTop' as const) : ('end' as const),
        formatter: '{b}',
      },
      data: levels.map(({ name, y }) => ({ name, [axis]: y })),
    },
  };
}

const AXIS_NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });

function axisNumber(value: number): string {
  return AXIS_NUMBER.format(value);
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
