// What went wrong, and why.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { bars, CALM, graph, grid } from '../panels.js';
import { age, increase, RANGE, STEP, over, select } from '../promql.js';
import type { Section } from '../section.js';

export function failures(): Section {
  return {
    title: 'Failures',
    panels: [
      bars(
        {
          title: 'Failures by signal',
          description: 'Why tests failed. A test whose signal is amended counts again under the new one.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        { expr: `${increase(['signal'], STEP, 'canary_failures_total')} > 0`, legend: '{{signal}}' },
      ),
      bars(
        {
          title: 'Slots that told nothing',
          description: 'Inconclusive: the canary couldn\'t know. Missed: not fired. Skipped: not fired on purpose.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        {
          expr: `${increase(['outcome'], STEP, 'canary_tests_total', 'outcome=~"inconclusive|missed|skipped"')} > 0`,
          legend: '{{outcome}}',
        },
      ),
      grid(
        {
          title: 'Failures by path and signal',
          description: 'Over the shown time. The single tests, with every moment of them, are on the admin page.',
          unit: units.Short,
          width: 12,
          decimals: 0,
          noValue: 'none',
        },
        [{ name: 'Failures', expr: `${increase(['path', 'backend', 'signal'], RANGE, 'canary_failures_total')} > 0` }],
      ),
      graph(
        {
          title: 'Time since the last pass',
          description: 'How long ago each path\'s last passed test completed.',
          unit: units.Seconds,
          min: 0,
        },
        { expr: age(['path'], 'canary_last_pass_timestamp_seconds'), legend: '{{path}}' },
      ),
      graph(
        {
          title: 'Money that may exist twice',
          description: 'Transfers that were both settled and refunded. One is a case for the platform\'s on-call at once.',
          unit: units.Short,
          interval: CALM,
          min: 0,
          steps: [[null, 'green'], [1, 'red']],
        },
        { expr: increase(['path'], STEP, 'canary_failures_total', 'signal="refunded_after_settled"'), legend: '{{path}}' },
      ),
      graph(
        {
          title: 'Failures in a row',
          description: 'Failed tests since the last passed one. From three on the path is failing.',
          unit: units.Short,
          min: 0,
          steps: [[null, 'green'], [3, 'red']],
        },
        { expr: over('max', ['path'], select('canary_consecutive_failures')), legend: '{{path}}' },
      ),
      bars(
        {
          title: 'Webhooks',
          description: 'Messages to the receivers of [webhooks], by what became of them. Refused: a try that is repeated. Given up and dropped: never told.',
          unit: units.Short,
          interval: CALM,
          min: 0,
          width: 6,
        },
        { expr: increase(['endpoint', 'result'], STEP, 'canary_webhook_deliveries_total'), legend: '{{endpoint}} {{result}}' },
      ),
      graph(
        {
          title: 'Webhooks waiting',
          description: 'Messages that wait for a receiver.',
          unit: units.Short,
          min: 0,
          width: 6,
        },
        { expr: over('max', ['endpoint'], select('canary_webhook_waiting')), legend: '{{endpoint}}' },
      ),
      bars(
        {
          title: 'Log searches',
          description: 'Searches of the platform\'s logs for tests that failed, by how they ended.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        { expr: increase(['result'], STEP, 'canary_log_searches_total'), legend: '{{result}}' },
      ),
    ],
  };
}
