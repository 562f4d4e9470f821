// How each path does.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { CALM, graph, grid, states } from '../panels.js';
import { age, increase, OBJECTIVE, over, passRate, quantile, RANGE, select, STEP } from '../promql.js';
import type { Section } from '../section.js';

const BY_PATH = ['path'] as const;

const latency = (q: number) => quantile(q, BY_PATH, RANGE, 'canary_latency_seconds');

export function scoreboard(): Section {
  return {
    title: 'Per-path scoreboard',
    panels: [
      grid(
        {
          title: 'Scoreboard',
          description:
            'Each path over the shown time. Latencies are those of passed and late tests, from the canary\'s own buckets; the admin page has exact ones.',
          unit: units.Short,
          decimals: 2,
          height: 9,
        },
        [
          {
            name: 'Pass rate',
            expr: passRate(BY_PATH, RANGE),
            unit: units.PercentUnit,
            steps: [[null, 'red'], [OBJECTIVE - 0.04, 'orange'], [OBJECTIVE, 'green']],
          },
          { name: 'p50', expr: latency(0.5), unit: units.Seconds },
          { name: 'p95', expr: latency(0.95), unit: units.Seconds },
          { name: 'p99', expr: latency(0.99), unit: units.Seconds },
          {
            name: 'Failed in a row',
            expr: over('max', BY_PATH, select('canary_consecutive_failures')),
            steps: [[null, 'green'], [1, 'orange'], [3, 'red']],
          },
          { name: 'Last pass', expr: age(BY_PATH, 'canary_last_pass_timestamp_seconds'), unit: units.Seconds },
          { name: 'Failed', expr: increase(BY_PATH, RANGE, 'canary_tests_total', 'outcome="failed"') },
          { name: 'Late', expr: increase(BY_PATH, RANGE, 'canary_tests_total', 'outcome="late"') },
          {
            name: 'Could not tell',
            expr: increase(BY_PATH, RANGE, 'canary_tests_total', 'outcome=~"inconclusive|missed"'),
          },
          { name: 'Skipped', expr: increase(BY_PATH, RANGE, 'canary_tests_total', 'outcome="skipped"') },
        ],
      ),
      states(
        {
          title: 'Failures in a row',
          description: 'Green while the latest test that could tell passed, yellow from the first failure, red from the third in a row on.',
          unit: units.Short,
          steps: [[null, 'green'], [1, 'yellow'], [3, 'red']],
        },
        { expr: over('max', BY_PATH, select('canary_consecutive_failures')), legend: '{{path}}' },
      ),
      graph(
        {
          title: 'Pass rate by path',
          description: 'Of the tests that tell something the part that passed. The dashed line is the objective.',
          unit: units.PercentUnit,
          interval: CALM,
          max: 1,
          steps: [[null, 'red'], [OBJECTIVE, 'green']],
        },
        { expr: passRate(BY_PATH, STEP), legend: '{{path}}' },
      ),
    ],
  };
}
