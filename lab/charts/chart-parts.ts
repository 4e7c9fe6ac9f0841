// What all charts are made of: the frame with its titles, axes, legend, lines, and how echarts draws them as SVG text.
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

export interface Frame {
  title: string;
  subtitle?: string;
  /** With the unit: `seconds since the first request`. */
  xTitle: string;
  /** Pixels; the chart scales with the page. */
  height?: number;
}

export const WIDTH = 860;
export const MARGIN = 16;
/** Room for the numbers along an axis and its title. */
export const Y_AXIS_WIDTH = 64;
export const X_AXIS_HEIGHT = 52;
export const LEGEND_HEIGHT = 28;
export const TEXT = { fontFamily: FONT, fontSize: 13, color: FAINT_INK.light };

export function colourAt(index: number): string {
  return SERIES[index % SERIES.length] ?? SERIES[0];
}

export function draw(
  frame: Frame,
  height: number,
  option: Option,
  furtherTitles: TitleComponentOption[] = [],
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
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

export function headHeight({ subtitle }: Frame): number {
  const lines = subtitle === undefined ? 0 : subtitle.split('\n').length;
  return MARGIN + 24 + lines * 19;
}

export function gridBelow(top: number, hasLegend: boolean, left = Y_AXIS_WIDTH): GridComponentOption {
  return {
    left: MARGIN + left,
    right: MARGIN + 24,
    top: top + 14,
    bottom: X_AXIS_HEIGHT + (hasLegend ? LEGEND_HEIGHT : 0),
    // The margins above hold the labels; echarts' own guess at text widths would move the axes.
    outerBoundsMode: 'none',
  };
}

export function legendOf(series: readonly { name: string }[], always = false): LegendComponentOption {
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

export function valueAxis(
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

export function lineOf(series: LineSeries, index: number, levels: readonly Level[]): LineSeriesOption {
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
    ...markLevels(levels),
  };
}

/** A stacked area has no outline: over nothing it would look like something. */
function lineWidth({ stack, filled }: LineSeries): number {
  return stack !== undefined && filled === true ? 0 : 2;
}

function markLevels(levels: readonly Level[]) {
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
        position: 'insideEndTop' as const,
        formatter: '{b}',
      },
      data: levels.map(({ name, y }) => ({ name, yAxis: y })),
    },
  };
}

const AXIS_NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });

function axisNumber(value: number): string {
  return AXIS_NUMBER.format(value);
}
