// Every metric that a rule or a panel may name, with its labels: the one place in which a name is written down besides
// the query itself. The tests hold the queries against it, and hold it against what the canary serves.

export type Kind = 'counter' | 'gauge' | 'histogram';

export interface Metric {
  readonly kind: Kind;
  /** Labels beyond those of the source: see the `…_LABELS` of each table. */
  readonly labels: readonly string[];
}

const metric = (kind: Kind, ...labels: string[]): Metric => ({ kind, labels });

/** On every series that Prometheus scrapes from a canary; `canary` is written by the canary itself. */
export const SCRAPED_LABELS = ['canary', 'instance', 'job'] as const;

/** What an instance serves (design §9). A counter's or gauge's labels are its own; a histogram has `le` besides. */
export const CANARY: Readonly<Record<string, Metric>> = {
  canary_tests_total: metric('counter', 'path', 'backend', 'outcome'),
  canary_failures_total: metric('counter', 'path', 'backend', 'signal'),
  canary_latency_seconds: metric('histogram', 'path', 'backend'),
  canary_stage_latency_seconds: metric('histogram', 'backend', 'stage'),
  canary_fire_duration_seconds: metric('histogram', 'path', 'backend'),
  canary_slot_lateness_seconds: metric('histogram'),
  canary_in_flight: metric('gauge', 'backend'),
  canary_accounting_residual: metric('gauge', 'path'),
  canary_leader: metric('gauge', 'role'),
  canary_leader_term: metric('gauge', 'role'),
  canary_leader_changes_total: metric('counter', 'role'),
  canary_reactor_up: metric('gauge', 'frame', 'event'),
  canary_reactor_events_total: metric('counter', 'frame', 'event', 'via'),
  canary_reactor_matched_total: metric('counter', 'frame', 'event'),
  canary_reactor_rejected_total: metric('counter', 'frame', 'event', 'reason'),
  canary_reactor_reconnects_total: metric('counter', 'frame', 'event'),
  canary_reactor_covered_until_timestamp_seconds: metric('gauge', 'frame', 'event'),
  canary_stamp_delay_seconds: metric('histogram'),
  canary_judge_sweep_duration_seconds: metric('histogram'),
  canary_judge_last_sweep_timestamp_seconds: metric('gauge'),
  canary_verdict_delay_seconds: metric('histogram'),
  canary_agent_balance: metric('gauge', 'agent'),
  canary_agent_runway_seconds: metric('gauge', 'agent'),
  canary_clock_offset_seconds: metric('gauge'),
  canary_clock_error_bound_seconds: metric('gauge'),
  canary_clock_steps_total: metric('counter'),
  canary_last_pass_timestamp_seconds: metric('gauge', 'path'),
  canary_consecutive_failures: metric('gauge', 'path'),
  canary_export_samples_total: metric('counter', 'result'),
  canary_export_lag_seconds: metric('gauge'),
  canary_webhook_deliveries_total: metric('counter', 'endpoint', 'result'),
  canary_webhook_waiting: metric('gauge', 'endpoint'),
  canary_log_searches_total: metric('counter', 'result'),
  canary_build_info: metric('gauge', 'version'),
};

/** On every series that the canary pushes to the trend's store (design §13). */
export const EXPORTED_LABELS = ['canary', 'path', 'backend', 'source_frame', 'dest_frame'] as const;

/** One point a closed row, stamped with the moment it was fired. */
export const EXPORTED: Readonly<Record<string, Metric>> = {
  canary_test_latency_ms: metric('gauge'),
  canary_test_passed: metric('gauge'),
  canary_test_outcome: metric('gauge', 'outcome'),
};

/** What Prometheus itself writes for each target; `canary` comes from the scrape configuration. */
export const TARGETS: Readonly<Record<string, Metric>> = {
  up: metric('gauge'),
};

/** On every series of the platform's exporters. */
export const UPSTREAM_LABELS = ['instance', 'job'] as const;

/**
 * The platform's own pressure, by the names of EventStoreDB's `/metrics` and of postgres_exporter. A platform whose
 * exporters say other names is adapted here and in `sections/upstream.ts`; no rule depends on any of them.
 */
export const UPSTREAM: Readonly<Record<string, Metric>> = {
  eventstore_checkpoints: metric('gauge', 'name', 'read'),
  eventstore_io_events: metric('counter', 'activity'),
  eventstore_queue_queueing_duration_max_seconds: metric('gauge', 'name', 'range'),
  eventstore_writer_flush_duration_max_seconds: metric('gauge', 'range'),
  eventstore_current_incoming_grpc_calls: metric('gauge'),
  pg_stat_activity_count: metric('gauge', 'datname', 'state'),
  pg_settings_max_connections: metric('gauge', 'server'),
  pg_stat_activity_max_tx_duration: metric('gauge', 'datname', 'state'),
  pg_stat_database_xact_commit: metric('counter', 'datid', 'datname'),
  pg_stat_database_xact_rollback: metric('counter', 'datid', 'datname'),
  pg_stat_database_deadlocks: metric('counter', 'datid', 'datname'),
  pg_locks_count: metric('gauge', 'datname', 'mode'),
};

/** The names of the series of a metric, each with all its labels. */
function series(name: string, { kind, labels }: Metric, common: readonly string[]): [string, string[]][] {
  const all = [...common, ...labels];
  if (kind !== 'histogram') return [[name, all]];
  return [
    [`${name}_bucket`, [...all, 'le']],
    [`${name}_count`, all],
    [`${name}_sum`, all],
  ];
}

const table = (metrics: Readonly<Record<string, Metric>>, common: readonly string[]) =>
  Object.entries(metrics).flatMap(([name, metric]) => series(name, metric, common));

/** The labels of every series by name, as Prometheus has them; recording rules come from the rules themselves. */
export const SCRAPED_SERIES: ReadonlyMap<string, readonly string[]> = new Map([
  ...table(CANARY, SCRAPED_LABELS),
  ...table(TARGETS, SCRAPED_LABELS),
  ...table(UPSTREAM, UPSTREAM_LABELS),
]);

/** The labels of every series by name, as the trend's store has them. */
export const EXPORTED_SERIES: ReadonlyMap<string, readonly string[]> = new Map(table(EXPORTED, EXPORTED_LABELS));
