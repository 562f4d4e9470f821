// How long it takes, and in which phase.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { type About, CALM, graph } from '../panels.js';
import { quantile, rate, STEP } from '../promql.js';
import type { Section } from '../section.js';

const seconds = (title: string, description: string, more: Partial<About> = {}): About => ({
  title,
  description,
  unit: units.Seconds,
  interval: CALM,
  min: 0,
  ...more,
});

/** The stages of one backend, in the order in which they are due. */
const stages = (backend: string, title: string) =>
  graph(
    seconds(title, `The p95 from firing to each stage of \`${backend}\` transfers. A stage that no test reached has no line.`, { width: 8 }),
    {
      expr: quantile(0.95, ['stage'], STEP, 'canary_stage_latency_seconds', `backend="${backend}"`),
      legend: '{{stage}}',
    },
  );

export function latencies(): Section {
  return {
    title: 'Latency by stage',
    panels: [
      graph(
        seconds('Total latency, p95 by path', 'From firing to completion, from the stamps alone: neither the sweep nor a store is in it.'),
        { expr: quantile(0.95, ['path'], STEP, 'canary_latency_seconds'), legend: '{{path}}' },
      ),
      graph(
        seconds('Total latency by backend', 'Median and p99 of passed and late tests. Deadlines are 30 s for intra, 60 s for 2pc and 330 s for async, unless configured otherwise.'),
        { expr: quantile(0.5, ['backend'], STEP, 'canary_latency_seconds'), legend: '{{backend}} p50' },
        { expr: quantile(0.99, ['backend'], STEP, 'canary_latency_seconds'), legend: '{{backend}} p99' },
      ),
      stages('intra', 'Stages of intra'),
      stages('async', 'Stages of async'),
      stages('2pc', 'Stages of 2pc'),
      graph(
        seconds('Transfer call, p95 by path', 'From sending the call to its answer, or to giving it up after the call timeout.'),
        { expr: quantile(0.95, ['path'], STEP, 'canary_fire_duration_seconds'), legend: '{{path}}' },
      ),
      graph(
        {
          title: 'Stages reached',
          description: 'How many tests reached a stage in a minute. A stage that falls behind the one before it is where transfers are lost.',
          unit: units.CountsPerMinute,
          interval: CALM,
          min: 0,
        },
        { expr: `60 * ${rate(['backend', 'stage'], 'canary_stage_latency_seconds_count')} > 0`, legend: '{{backend}} {{stage}}' },
      ),
    ],
  };
}
