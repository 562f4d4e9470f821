// What the reactors see, and whether they have certainly looked.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { CALM, graph, states } from '../panels.js';
import { age, increase, over, quantile, rate, select, STEP } from '../promql.js';
import type { Section } from '../section.js';

/** All instances read all events, so their sum would count each of them as often as there are instances. */
const read = (by: string, counter: string) => over('max', [by], rate(['instance', by], counter));

export function validators(): Section {
  return {
    title: 'Validator pipeline',
    panels: [
      graph(
        {
          title: 'Age of coverage by event',
          description: 'How long ago the instance that has seen furthest had certainly seen everything of a type. Beyond 60 s tests become inconclusive, and an alert fires.',
          unit: units.Seconds,
          min: 0,
          steps: [[null, 'green'], [60, 'red']],
        },
        { expr: age(['event'], 'canary_reactor_covered_until_timestamp_seconds'), legend: '{{event}}' },
      ),
      states(
        {
          title: 'Reactors by instance',
          description: 'Green while all sockets of an instance are subscribed, orange while one is not, red while none is.',
          unit: units.PercentUnit,
          steps: [[null, 'red'], [0.01, 'orange'], [1, 'green']],
          min: 0,
          max: 1,
        },
        { expr: over('avg', ['instance'], select('canary_reactor_up')), legend: '{{instance}}' },
      ),
      graph(
        {
          title: 'Events arriving',
          description: 'Anybody\'s events of the five types, as the instance that reads most of them has it. Silence here is the EventStore\'s or the network\'s.',
          unit: units.EventsPerSecond,
          min: 0,
        },
        { expr: read('event', 'canary_reactor_events_total'), legend: '{{event}}' },
      ),
      graph(
        {
          title: 'Events by way',
          description: 'Live from the socket, by replay after a reconnect, or from the polling backstop. Only live ones are observed; the others count by the event\'s own time.',
          unit: units.EventsPerSecond,
          min: 0,
        },
        { expr: read('via', 'canary_reactor_events_total'), legend: '{{via}}' },
      ),
      graph(
        {
          title: 'Matched events',
          description: 'Events that were a test\'s, in a minute, as the instance that matched most of them has it.',
          unit: units.CountsPerMinute,
          interval: CALM,
          min: 0,
        },
        { expr: `60 * ${read('event', 'canary_reactor_matched_total')}`, legend: '{{event}}' },
      ),
      graph(
        {
          title: 'Rejected events',
          description: 'Frames and events that were not stamped though they were not just users\' traffic. `mismatch` speaks against the platform, `stranger` is somebody\'s memo. As the instance that met most of them has it.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        { expr: over('max', ['reason'], increase(['instance', 'reason'], STEP, 'canary_reactor_rejected_total')), legend: '{{reason}}' },
      ),
      graph(
        {
          title: 'Reconnects',
          description: 'How often sockets had to be opened again.',
          unit: units.Short,
          interval: CALM,
          min: 0,
        },
        { expr: increase(['instance', 'event'], STEP, 'canary_reactor_reconnects_total'), legend: '{{instance}} {{event}}' },
      ),
      graph(
        {
          title: 'Stamp delay',
          description: 'From seeing an event to its stamp being on the board: what Redis costs. It is no part of any latency.',
          unit: units.Seconds,
          min: 0,
        },
        { expr: quantile(0.5, [], STEP, 'canary_stamp_delay_seconds'), legend: 'p50' },
        { expr: quantile(0.99, [], STEP, 'canary_stamp_delay_seconds'), legend: 'p99' },
      ),
    ],
  };
}
