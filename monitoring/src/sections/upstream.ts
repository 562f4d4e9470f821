// Whether the platform is under pressure where the canary's transfers pass: the EventStore, and the database of the token
// ledger (TEG). The names are those of the platform's exporters, see `UPSTREAM` in metrics.ts.

import * as units from '@grafana/grafana-foundation-sdk/units';

import { graph } from '../panels.js';
import { over, rate, select } from '../promql.js';
import type { Section } from '../section.js';

export function upstream(): Section {
  return {
    title: 'Upstream: EventStore and TEG database',
    panels: [
      graph(
        {
          title: 'EventStore: events read and written',
          description: 'What the store does for everybody. Coverage that ages while this goes on is the subscription\'s fault, not the store\'s.',
          unit: units.EventsPerSecond,
          width: 8,
          min: 0,
        },
        { expr: rate(['activity'], 'eventstore_io_events'), legend: '{{activity}}' },
      ),
      graph(
        {
          title: 'EventStore: queues',
          description: 'The longest that anything waited in a queue lately. Events that arrive late wait here.',
          unit: units.Seconds,
          width: 8,
          min: 0,
        },
        { expr: `topk(5, ${over('max', ['name'], select('eventstore_queue_queueing_duration_max_seconds'))})`, legend: '{{name}}' },
      ),
      graph(
        {
          title: 'EventStore: flushes',
          description: 'The longest flush to disk lately. Every write waits for one.',
          unit: units.Seconds,
          width: 8,
          min: 0,
        },
        { expr: over('max', ['instance'], select('eventstore_writer_flush_duration_max_seconds')), legend: '{{instance}}' },
      ),
      graph(
        {
          title: 'EventStore: replication',
          description: 'By how many bytes a node is behind the furthest writer.',
          unit: units.BytesIEC,
          width: 8,
          min: 0,
        },
        {
          expr: `scalar(max(${select('eventstore_checkpoints', 'name="writer"')})) - ${over('max', ['instance'], select('eventstore_checkpoints', 'name="writer"'))}`,
          legend: '{{instance}}',
        },
      ),
      graph(
        {
          title: 'EventStore: calls',
          description: 'Calls that are being answered, by node.',
          unit: units.Short,
          width: 8,
          min: 0,
        },
        { expr: over('sum', ['instance'], select('eventstore_current_incoming_grpc_calls')), legend: '{{instance}}' },
      ),
      graph(
        {
          title: 'TEG database: connections used',
          description: 'Connections in use of those allowed. At 100 % transfers are refused.',
          unit: units.PercentUnit,
          width: 8,
          min: 0,
          max: 1,
          steps: [[null, 'green'], [0.9, 'red']],
        },
        {
          expr: `${over('sum', ['instance'], select('pg_stat_activity_count'))} / on (instance) ${over('max', ['instance'], select('pg_settings_max_connections'))}`,
          legend: '{{instance}}',
        },
      ),
      graph(
        {
          title: 'TEG database: longest transaction',
          description: 'What has been open for longest, by database. Transfers wait for its locks.',
          unit: units.Seconds,
          width: 8,
          min: 0,
        },
        { expr: over('max', ['datname'], select('pg_stat_activity_max_tx_duration')), legend: '{{datname}}' },
      ),
      graph(
        {
          title: 'TEG database: transactions',
          description: 'Committed and rolled back in a second.',
          unit: units.OpsPerSecond,
          width: 8,
          min: 0,
        },
        { expr: rate(['datname'], 'pg_stat_database_xact_commit'), legend: '{{datname}} committed' },
        { expr: rate(['datname'], 'pg_stat_database_xact_rollback'), legend: '{{datname}} rolled back' },
      ),
      graph(
        {
          title: 'TEG database: locks and deadlocks',
          description: 'Locks held by mode, and deadlocks in a second.',
          unit: units.Short,
          width: 8,
          min: 0,
        },
        { expr: over('sum', ['mode'], select('pg_locks_count')), legend: '{{mode}}' },
        { expr: rate([], 'pg_stat_database_deadlocks'), legend: 'deadlocks' },
      ),
    ],
  };
}
