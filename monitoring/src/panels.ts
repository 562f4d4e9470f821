// The few kinds of panels the dashboard is made of, so that things alike look alike.

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueGraphMode,
  type DataSourceRef,
  GraphDrawStyle,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

/** The Prometheus that scrapes the canary, and the store that it exports to. */
export const LIVE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };
export const TREND: DataSourceRef = { type: 'prometheus', uid: '${trend}' };

/** Something happens once in a period of a minute: shorter steps than this only show single tests. */
export const CALM = '5m';

/** What a panel is about. */
export interface About {
  readonly title: string;
  readonly description: string;
  /** Grafana's name of it, see the SDK's `units`. */
  readonly unit: string;
  /** Of 24 columns. */
  readonly width?: number;
  readonly height?: number;
  readonly source?: DataSourceRef;
  /** From these values on, in these colours; the first counts from below. */
  readonly steps?: readonly (readonly [number | null, string])[];
  /** The shortest step. */
  readonly interval?: string;
  readonly min?: number;
  readonly max?: number;
  readonly decimals?: number;
  /** What is shown where there is no value. */
  readonly noValue?: string;
  /** Shows this span, whatever the dashboard shows. */
  readonly timeFrom?: string;
}

export interface Query {
  readonly expr: string;
  readonly legend?: string;
}

export type Panel = Builder<dashboard.Panel>;

const refId = (index: number) => String.fromCharCode('A'.charCodeAt(0) + index);

const target = ({ expr, legend }: Query, index: number, source: DataSourceRef) =>
  new DataqueryBuilder().datasource(source).expr(expr).legendFormat(legend ?? '__auto').refId(refId(index));

/** What all builders have in common; each of the SDK's is a class of its own. */
interface Common<Self> {
  title(title: string): Self;
  description(description: string): Self;
  unit(unit: string): Self;
  span(columns: number): Self;
  height(rows: number): Self;
  datasource(source: DataSourceRef): Self;
  thresholds(thresholds: Builder<dashboard.ThresholdsConfig>): Self;
  interval(interval: string): Self;
  min(min: number): Self;
  max(max: number): Self;
  decimals(decimals: number): Self;
  noValue(text: string): Self;
  timeFrom(span: string): Self;
  targets(targets: Builder<Dataquery>[]): Self;
}

const thresholds = (steps: NonNullable<About['steps']>) =>
  new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));

function describe<Self extends Common<Self>>(panel: Self, about: About, targets: Builder<Dataquery>[], width: number): Self {
  panel
    .title(about.title)
    .description(about.description)
    .unit(about.unit)
    .span(about.width ?? width)
    .height(about.height ?? 8)
    .datasource(about.source ?? LIVE)
    .thresholds(thresholds(about.steps ?? [[null, 'green']]))
    .targets(targets);
  if (about.interval !== undefined) panel.interval(about.interval);
  if (about.min !== undefined) panel.min(about.min);
  if (about.max !== undefined) panel.max(about.max);
  if (about.decimals !== undefined) panel.decimals(about.decimals);
  if (about.noValue !== undefined) panel.noValue(about.noValue);
  if (about.timeFrom !== undefined) panel.timeFrom(about.timeFrom);
  return panel;
}

const ranged = (about: About, queries: readonly Query[]) =>
  queries.map((query, index) => target(query, index, about.source ?? LIVE).range());

const latest = (about: About, queries: readonly Query[]) =>
  queries.map((query, index) => target(query, index, about.source ?? LIVE).instant());

/** Lines over time; a threshold is drawn as a line. */
export function graph(about: About, ...queries: Query[]): timeseries.PanelBuilder {
  const panel = describe(new timeseries.PanelBuilder(), about, ranged(about, queries), 12)
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max'])
        .showLegend(true),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  const mode = about.steps ? GraphThresholdsStyleMode.Dashed : GraphThresholdsStyleMode.Off;
  return panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(mode));
}

/** Counts over time, stacked. */
export function bars(about: About, ...queries: Query[]): timeseries.PanelBuilder {
  return graph(about, ...queries)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(70)
    .stacking(new common.StackingConfigBuilder().mode(StackingMode.Normal));
}

/** One number each, of now. */
export function figure(about: About, ...queries: Query[]): Panel {
  return describe(new stat.PanelBuilder(), { height: 4, ...about }, latest(about, queries), 4)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** A row each, coloured by its value over time. */
export function states(about: About, ...queries: Query[]): Panel {
  return describe(new statetimeline.PanelBuilder(), about, ranged(about, queries), 12)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .mergeValues(true)
    .showValue(VisibilityMode.Never)
    .rowHeight(0.8);
}

export interface Column extends Query {
  readonly name: string;
  readonly unit?: string;
  readonly steps?: About['steps'];
}

/** A row a label set, a column a query, of now. */
export function grid(about: About, columns: readonly Column[]): Panel {
  const targets = columns.map((column, index) =>
    target(column, index, about.source ?? LIVE).instant().format(PromQueryFormat.Table),
  );
  const panel = describe(new table.PanelBuilder(), about, targets, 24)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        renameByName: Object.fromEntries(columns.map(({ name }, index) => [valueField(index, columns), name])),
      },
    });
  for (const { name, unit, steps } of columns) {
    panel.overrideByName(name, [
      ...(unit ? [{ id: 'unit', value: unit }] : []),
      ...(steps ? [{ id: 'thresholds', value: thresholds(steps).build() }] : []),
      ...(steps ? [{ id: 'custom.cellOptions', value: { type: 'color-text' } }] : []),
    ]);
  }
  return panel;
}

/** What Grafana calls the value of a query in a table. */
const valueField = (index: number, columns: readonly Column[]) => (columns.length === 1 ? 'Value' : `Value #${refId(index)}`);
