// Writes docs/metrics.md: what an instance serves (as captured), and where the dashboard and the rules use it.

import { readFileSync } from 'node:fs';

import { CANARY, EXPORTED, type Metric } from './metrics.js';
import { uses } from './parse.js';
import { type Asked, dashboardQueries, ruleQueries } from './queries.js';

/** How a metric is read over several instances. */
export type Over = 'sum' | 'max' | 'each' | 'quantile';

const OVER: Readonly<Record<Over, string>> = {
  sum: 'sum of the increases',
  max: 'maximum',
  each: 'by instance',
  quantile: 'quantile of the summed buckets',
};

/** Each metric of the canary has a place here; a test holds the two together. */
export const INSTANCES: Readonly<Record<string, Over>> = {
  canary_tests_total: 'sum',
  canary_failures_total: 'sum',
  canary_latency_seconds: 'sum',
  canary_stage_latency_seconds: 'sum',
  canary_fire_duration_seconds: 'sum',
  canary_slot_lateness_seconds: 'sum',
  canary_in_flight: 'max',
  canary_accounting_residual: 'max',
  canary_leader: 'each',
  canary_leader_term: 'max',
  canary_leader_changes_total: 'sum',
  canary_reactor_up: 'each',
  canary_reactor_events_total: 'max',
  canary_reactor_matched_total: 'max',
  canary_reactor_rejected_total: 'max',
  canary_reactor_reconnects_total: 'each',
  canary_reactor_covered_until_timestamp_seconds: 'max',
  canary_stamp_delay_seconds: 'quantile',
  canary_judge_sweep_duration_seconds: 'sum',
  canary_judge_last_sweep_timestamp_seconds: 'max',
  canary_verdict_delay_seconds: 'sum',
  canary_agent_balance: 'max',
  canary_agent_runway_seconds: 'max',
  canary_clock_offset_seconds: 'each',
  canary_clock_error_bound_seconds: 'each',
  canary_clock_steps_total: 'each',
  canary_last_pass_timestamp_seconds: 'max',
  canary_consecutive_failures: 'max',
  canary_export_samples_total: 'sum',
  canary_export_lag_seconds: 'max',
  canary_webhook_deliveries_total: 'sum',
  canary_webhook_waiting: 'max',
  canary_log_searches_total: 'sum',
  canary_build_info: 'each',
};

/** Labels whose values are words of the canary, not names from its settings. */
const WORDS = ['backend', 'outcome', 'signal', 'stage', 'role', 'event', 'via', 'reason', 'result'];

const HEAD = `# Metrics

<!-- Written by \`npm run generate\` in monitoring/, from what an instance serves and from the dashboard's and the rules' queries. -->

What \`GET /metrics\` of an instance serves. The label \`canary\`, the deployment's name, is on every series; Prometheus adds \`instance\`
and \`job\`. A histogram \`x\` is served as \`x_bucket\` (with \`le\`), \`x_sum\` and \`x_count\`; its top bucket lies beyond the longest deadline.
Every label set that can come is there from the start, counters at 0. No id, DID or error text is ever a label.

[docs/export.md](export.md) has what is pushed to the trend's store; [docs/runbooks.md](runbooks.md) has the alerts.

## Over several instances

Scrape every instance, never a balancer before them, and read the series by what they are:

- **Counted by whoever leads** (${OVER.sum}). One instance counts a slot, and after a takeover another goes on from its own 0. Take \`increase\`
  or \`rate\` of each series first, then the sum over instances: so a restart takes nothing away, and nothing counts twice. The plain sum of such
  counters is no number of anything: it falls when an instance goes. What the last leader counted after it was last scraped is lost; the ledger has it.
- **Seen by every instance** (${OVER.max}). All of them read all events, so a sum would count each event as often as there are instances.
  Of the gauges of a leader a follower's are 0 or \`NaN\`, so the maximum is the leader's; a leader that has just taken over knows runs of failures and the last pass only from then on.
- **An instance's own** (${OVER.each}). Its clock, its sockets, whether it leads. Of \`canary_leader\` the sum a role is the number of leaders.
- **Observed by every instance** (${OVER.quantile}). The quantile is that of all instances' observations; their number is no number of events.

\`\`\`promql
# Slots by outcome, and failures by signal
sum by (canary, path, outcome) (increase(canary_tests_total{canary="prod"}[1h]))
sum by (canary, path, signal) (increase(canary_failures_total{canary="prod"}[1h]))
# How many tests have a latency, and the p95 of it
sum by (canary, path) (increase(canary_latency_seconds_count{canary="prod"}[1h]))
histogram_quantile(0.95, sum by (canary, path, le) (rate(canary_latency_seconds_bucket{canary="prod"}[1h])))
# What the leader alone knows
max by (canary, backend) (canary_in_flight{canary="prod"})
max by (canary, path) (canary_consecutive_failures{canary="prod"})
# Events that were a test's
max by (canary, event) (increase(canary_reactor_matched_total{canary="prod"}[1h]))
# Who leads
max by (canary, role, instance) (canary_leader{canary="prod"}) == 1
\`\`\`

A test whose outcome is amended counts again under the new one (\`failed\`, then \`late\`): that is two words about one slot, by design, and the
ledger's accounting has each slot once. After a takeover the new leader of the export pushes up to two minutes' samples again, since it can't know
that they arrived; they count as \`accepted\` once more, and the store keeps each once.
`;

/** The series' metric: a histogram's without its suffix. */
const metricOf = (series: string) => (series in CANARY ? series : series.replace(/_(bucket|count|sum)$/, ''));

/** The metrics behind an expression, over recording rules too. */
function behind(expr: string, recorded: ReadonlyMap<string, string>): string[] {
  return uses(expr).flatMap(({ series }) => {
    const rule = recorded.get(series);
    return rule === undefined ? [metricOf(series)] : behind(rule, recorded);
  });
}

const place = ({ where }: Asked) => where.replace(/^panel (\d+) (.+) [A-Z]$/, 'panel *$2*').replace(/^(variable|annotation) (.+)$/, '$1 *$2*').replace(/^rule (.+)$/, '`$1`');

/** Where each metric is used, in the order of the dashboard and of the rules. */
function usages(): ReadonlyMap<string, readonly string[]> {
  const rules = ruleQueries();
  const recorded = new Map(rules.map(({ where, expr }) => [where.replace('rule ', ''), expr]));
  const found = new Map<string, string[]>();
  for (const asked of [...dashboardQueries(), ...rules]) {
    for (const metric of new Set(behind(asked.expr, recorded))) {
      const places = found.get(metric) ?? [];
      if (!places.includes(place(asked))) found.set(metric, [...places, place(asked)]);
    }
  }
  return found;
}

/** What an instance said: meanings by name, and the values of each label of a series. */
function captured() {
  const lines = readFileSync(new URL('../test/fixtures/metrics.txt', import.meta.url), 'utf8').split('\n');
  const help = new Map(lines.flatMap((line) => {
    const [, name, text] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    return name && text ? [[name, text] as const] : [];
  }));
  const values = (name: string, label: string) => [
    ...new Set(
      lines
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_count{`))
        .map((line) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? ''),
    ),
  ];
  return { help, values };
}

function labelled(name: string, { labels }: Metric, values: (name: string, label: string) => string[]): string {
  if (labels.length === 0) return 'no label of its own';
  return labels
    .map((label) => (WORDS.includes(label) ? `\`${label}\` (${values(name, label).map((word) => `\`${word}\``).join(', ')})` : `\`${label}\``))
    .join(', ');
}

const listed = (name: string, places: readonly string[]) =>
  places.length > 0 ? places.join(', ') : `nowhere: ${name}`;

export function reference(): string {
  const { help, values } = captured();
  const used = usages();
  const entry = ([name, metric]: [string, Metric]) => {
    const [meaning, over] = [help.get(name), INSTANCES[name]];
    if (!meaning || !over) throw new Error(`${name} is not in the captured metrics, or not in INSTANCES`);
    return `### \`${name}\`

${meaning}

- Type: ${metric.kind}; over instances: ${OVER[over]}
- Labels: ${labelled(name, metric, values)}
- Used by: ${listed(name, used.get(name) ?? [])}
`;
  };
  const exported = Object.keys(EXPORTED).map((name) => `- \`${name}\`: ${listed(name, used.get(name) ?? [])}`);
  return `${HEAD}
## The metrics

${Object.entries(CANARY).map(entry).join('\n')}
## Of the export

${exported.join('\n')}
`;
}
