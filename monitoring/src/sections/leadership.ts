// Who fires and who judges, whether in time, and by which clock.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { CALM, graph, grid, states } from '../panels.js';
import { age, increase, over, quantile, select, STEP } from '../promql.js';
import type { Section } from '../section.js';

const LEADS = [[null, 'text'], [1, 'green']] as const;

export function leadership(): Section {
  return {
    title: 'Runner, judge and leadership',
    panels: [
      states(
        {
          title: 'Leaders',
          description: 'Green while an instance leads the role. Exactly one at a time; a takeover takes up to 20 seconds.',
          unit: units.Short,
          steps: LEADS,
        },
        { expr: over('max', ['instance', 'role'], select('canary_leader')), legend: '{{role}} {{instance}}' },
      ),
      grid(
        {
          title: 'Instances',
          description: 'What runs, with the term that each instance last led a role in; 0 if never.',
          unit: units.Short,
          width: 12,
        },
        [
          { name: 'Up', expr: over('max', ['instance'], select('up', 'job="canary"')) },
          { name: 'Running', expr: over('max', ['instance', 'version'], select('canary_build_info')) },
          { name: 'Runner\'s term', expr: over('max', ['instance'], select('canary_leader_term', 'role="runner"')), unit: units.Number },
          { name: 'Judge\'s term', expr: over('max', ['instance'], select('canary_leader_term', 'role="judge"')), unit: units.Number },
        ],
      ),
      graph(
        {
          title: 'Slot lateness',
          description: 'How long after it was due a slot was started. Beyond half a period it is missed.',
          unit: units.Seconds,
          interval: CALM,
          min: 0,
          width: 6,
        },
        { expr: quantile(0.5, [], STEP, 'canary_slot_lateness_seconds'), legend: 'p50' },
        { expr: quantile(0.99, [], STEP, 'canary_slot_lateness_seconds'), legend: 'p99' },
      ),
      graph(
        {
          title: 'Verdict delay',
          description: 'From the moment a verdict is about to the moment it was judged. No latency depends on it.',
          unit: units.Seconds,
          interval: CALM,
          min: 0,
          width: 6,
          steps: [[null, 'green'], [30, 'red']],
        },
        { expr: quantile(0.5, [], STEP, 'canary_verdict_delay_seconds'), legend: 'p50' },
        { expr: quantile(0.9, [], STEP, 'canary_verdict_delay_seconds'), legend: 'p90' },
      ),
      graph(
        {
          title: 'Sweeps',
          description: 'How long the judge\'s sweeps take, and how long ago the last one ended well. A ledger that is away shows here first.',
          unit: units.Seconds,
          min: 0,
          width: 6,
        },
        { expr: quantile(0.95, [], STEP, 'canary_judge_sweep_duration_seconds'), legend: 'p95 of the duration' },
        { expr: age([], 'canary_judge_last_sweep_timestamp_seconds'), legend: 'age of the last' },
      ),
      graph(
        {
          title: 'Leader changes',
          description: 'How often an instance began to lead a role. One that leads right from its start shows as a mark above alone.',
          unit: units.Short,
          interval: CALM,
          min: 0,
          width: 6,
        },
        { expr: increase(['role'], STEP, 'canary_leader_changes_total'), legend: '{{role}}' },
      ),
      graph(
        { title: 'In flight by backend', description: 'Tests without a verdict.', unit: units.Short, min: 0, width: 6 },
        { expr: over('max', ['backend'], select('canary_in_flight')), legend: '{{backend}}' },
      ),
      graph(
        {
          title: 'Accounting residual',
          description: 'Slots less the sum of their outcomes. Anything but 0 is a defect of the canary.',
          unit: units.Short,
          width: 6,
          steps: [[null, 'green'], [1, 'red']],
        },
        { expr: over('max', ['path'], `abs(${select('canary_accounting_residual')})`), legend: '{{path}}' },
      ),
      graph(
        {
          title: 'Clock',
          description: 'How far the board\'s clock was from an instance\'s at the last comparison, and the bound of the error after it. Beyond 50 ms an alert fires.',
          unit: units.Seconds,
          width: 6,
        },
        { expr: over('max', ['instance'], select('canary_clock_error_bound_seconds')), legend: '{{instance}} error bound' },
        { expr: over('max', ['instance'], select('canary_clock_offset_seconds')), legend: '{{instance}} offset' },
      ),
      graph(
        {
          title: 'Clock steps',
          description: 'How often the board\'s clock stepped under an instance. Coverage begins anew then, and tests become inconclusive.',
          unit: units.Short,
          width: 6,
          interval: CALM,
          min: 0,
        },
        { expr: increase(['instance'], STEP, 'canary_clock_steps_total'), legend: '{{instance}}' },
      ),
      graph(
        {
          title: 'Agents\' balances',
          description: 'AVT on the accounts that send.',
          unit: units.Short,
          min: 0,
        },
        { expr: over('max', ['agent'], select('canary_agent_balance')), legend: '{{agent}}' },
      ),
      graph(
        {
          title: 'Agents\' runway',
          description: 'How long a balance lasts at what the agent sends, fees left out. Below a day an alert fires.',
          unit: units.Seconds,
          min: 0,
          steps: [[null, 'red'], [86_400, 'green']],
        },
        { expr: over('max', ['agent'], select('canary_agent_runway_seconds')), legend: '{{agent}}' },
      ),
    ],
  };
}
