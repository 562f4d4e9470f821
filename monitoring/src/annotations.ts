// What a restart, a takeover and a maintenance do to the graphs is not the platform's doing: they are marked on all of them.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import { type AnnotationQuery, AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';

import { LIVE } from './panels.js';
import { increase, over, select, STEP } from './promql.js';

interface Mark {
  readonly name: string;
  readonly color: string;
  readonly title: string;
  readonly text: string;
  readonly expr: string;
  readonly interval: string;
}

/** An instance that was not there before, or a counter that every instance counts on beginning again. */
function starts(): string {
  const restarted = over('max', ['instance'], `resets(${select('canary_stamp_delay_seconds_count')}[${STEP}]) > 0`);
  const seen = (when: string) => over('max', ['instance'], `${select('canary_build_info')}${when}`);
  return `${restarted} or (${seen('')} unless ${seen(` offset ${STEP}`)})`;
}

/** Terms grow with every change of leader; a counter of changes would begin at 1 in an instance that leads at once. */
function leaderChanges(): string {
  return `changes((${over('max', ['role'], select('canary_leader_term'))})[${STEP}:15s]) > 0`;
}

/** Skipped slots come once a period and path, whether paused or in maintenance. */
function skipped(): string {
  return `${increase(['path'], STEP, 'canary_tests_total', 'outcome="skipped"')} > 0`;
}

const MARKS: readonly Mark[] = [
  {
    name: 'Process starts',
    color: 'blue',
    title: 'Started',
    text: '{{instance}} was started',
    expr: starts(),
    interval: '30s',
  },
  {
    name: 'Leader changes',
    color: 'purple',
    title: 'Leader change',
    text: 'Another instance leads as {{role}}',
    expr: leaderChanges(),
    interval: '30s',
  },
  {
    name: 'Maintenance and pauses',
    color: 'yellow',
    title: 'On hold',
    text: '{{path}} is skipped on purpose',
    expr: skipped(),
    interval: '3m',
  },
];

const annotation = ({ name, color, title, text, expr, interval }: Mark) =>
  new AnnotationQueryBuilder()
    .name(name)
    .datasource(LIVE)
    .enable(true)
    .hide(false)
    .iconColor(color)
    .titleFormat(title)
    .textFormat(text)
    .target(new DataqueryBuilder().datasource(LIVE).expr(expr).interval(interval).refId('Anno').range());

export function annotations(): Builder<AnnotationQuery>[] {
  return MARKS.map(annotation);
}
