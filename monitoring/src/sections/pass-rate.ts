// Does the platform work, in a glance.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { bars, CALM, figure, graph } from '../panels.js';
import { increase, OBJECTIVE, over, passRate, RANGE, select, STEP, told, wrong } from '../promql.js';
import type { Section } from '../section.js';

const RATE_STEPS = [[null, 'red'], [OBJECTIVE - 0.04, 'orange'], [OBJECTIVE, 'green']] as const;
const ZERO_IS_GOOD = [[null, 'green'], [1, 'red']] as const;

const outcome = (word: string) => ({
  expr: increase([], STEP, 'canary_tests_total', `outcome="${word}"`),
  legend: word,
});

export function passRates(): Section {
  return {
    title: 'Pass-rate aggregates',
    panels: [
      figure(
        {
          title: 'Pass rate',
          description: 'Of the tests that tell something (passed, late, failed) the part that passed, over the shown time.',
          unit: units.PercentUnit,
          decimals: 2,
          steps: RATE_STEPS,
          noValue: 'nothing told',
        },
        { expr: passRate([], RANGE) },
      ),
      figure(
        {
          title: 'Error budget left',
          description: `What is left of the failures that an objective of ${OBJECTIVE * 100} % allows for the shown time. Below 0 it is overspent.`,
          unit: units.PercentUnit,
          decimals: 0,
          steps: [[null, 'red'], [0, 'orange'], [0.5, 'green']],
          noValue: 'nothing told',
        },
        { expr: `1 - (${wrong([], RANGE)} / (${told([], RANGE)} > 0)) / (1 - ${OBJECTIVE})` },
      ),
      figure(
        {
          title: 'Failing paths',
          description: 'Paths of which at least three tests in a row failed.',
          unit: units.Short,
          steps: ZERO_IS_GOOD,
        },
        { expr: `count(${over('max', ['path'], select('canary_consecutive_failures'))} >= 3) or vector(0)` },
      ),
      figure(
        { title: 'Told', description: 'Tests that told how the platform did, over the shown time.', unit: units.Short, decimals: 0 },
        { expr: told([], RANGE) },
      ),
      figure(
        {
          title: 'Could not tell',
          description: 'Slots that were inconclusive or missed over the shown time: the canary\'s own weakness, never the platform\'s.',
          unit: units.Short,
          decimals: 0,
          steps: [[null, 'green'], [1, 'orange']],
        },
        { expr: increase([], RANGE, 'canary_tests_total', 'outcome=~"inconclusive|missed"') },
      ),
      figure(
        { title: 'In flight', description: 'Tests that were fired and have no verdict yet.', unit: units.Short },
        { expr: over('sum', [], over('max', ['backend'], select('canary_in_flight'))) },
      ),
      graph(
        {
          title: 'Pass rate by backend',
          description: 'Of the tests that tell something the part that passed. The dashed line is the objective.',
          unit: units.PercentUnit,
          interval: CALM,
          max: 1,
          steps: [[null, 'red'], [OBJECTIVE, 'green']],
        },
        { expr: passRate(['backend'], STEP), legend: '{{backend}}' },
        { expr: passRate([], STEP), legend: 'all' },
      ),
      bars(
        {
          title: 'Slots by outcome',
          description: 'How slots ended. One that failed by timeout and is late in the end counts under both words.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        ...['passed', 'late', 'failed', 'inconclusive', 'skipped', 'missed'].map(outcome),
      ),
    ],
  };
}
