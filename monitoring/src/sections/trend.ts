// Thirty days, from the results that the canary exports: one point a test, stamped with the moment it was fired.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { type About, bars, graph, TREND } from '../panels.js';
import { over, rate, select } from '../promql.js';
import type { Section } from '../section.js';

/** A day in every point: a path's sixty tests an hour are too few for less. */
const DAY = '[1d]';

const month = (title: string, description: string, unit: string, more: Partial<About> = {}): About => ({
  title,
  description,
  unit,
  source: TREND,
  timeFrom: '30d',
  interval: '6h',
  min: 0,
  ...more,
});

const daily = (series: string) => ({
  sum: (by: readonly string[]) => over('sum', by, `sum_over_time(${select(series)}${DAY})`),
  count: (by: readonly string[], ...matchers: string[]) => over('sum', by, `count_over_time(${select(series, ...matchers)}${DAY})`),
});

const passed = daily('canary_test_passed');
const outcomes = daily('canary_test_outcome');

const latency = (q: number) => over('max', ['path'], `quantile_over_time(${q}, ${select('canary_test_latency_ms')}${DAY})`);

export function trend(): Section {
  return {
    title: '30-day trend',
    panels: [
      graph(
        month('Daily pass rate by path', 'Of the tests that tell something the part that passed, over the day before each point.', units.PercentUnit, { max: 1 }),
        { expr: `${passed.sum(['path'])} / ${passed.count(['path'])}`, legend: '{{path}}' },
      ),
      graph(
        month('Daily latency by path, p95', 'Exact, over the day before each point: from every single test, not from buckets.', units.Milliseconds),
        { expr: latency(0.95), legend: '{{path}}' },
      ),
      graph(
        month('Daily latency by path, p50', 'Exact, over the day before each point.', units.Milliseconds),
        { expr: latency(0.5), legend: '{{path}}' },
      ),
      bars(
        month('Slots a day by outcome, passed ones left out', 'What did not pass, over the day before each point.', units.Short),
        { expr: outcomes.count(['outcome'], 'outcome!="passed"'), legend: '{{outcome}}' },
      ),
      graph(
        month('Slots a day by frames', 'How many slots went from which frame to which, over the day before each point.', units.Short, { width: 8 }),
        { expr: outcomes.count(['source_frame', 'dest_frame']), legend: '{{source_frame}} to {{dest_frame}}' },
      ),
      graph(
        {
          title: 'Export lag',
          description: 'How long the oldest closed row has waited to be exported. While it grows, the trend ends early.',
          unit: units.Seconds,
          width: 8,
          min: 0,
          steps: [[null, 'green'], [300, 'red']],
        },
        { expr: over('max', [], select('canary_export_lag_seconds')), legend: 'lag' },
      ),
      graph(
        {
          title: 'Exported samples',
          description: 'Samples pushed in a second, by what became of them. Those set aside were refused by the receiver and are not sent again.',
          unit: units.CountsPerSecond,
          width: 8,
          min: 0,
        },
        { expr: rate(['result'], 'canary_export_samples_total'), legend: '{{result}}' },
      ),
    ],
  };
}
