// What the reader can choose. Every query is of one canary; paths and backends may be several.

import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';

import { LIVE } from './panels.js';

const ALL = { text: 'All', value: '$__all', selected: true };

/** Both are of Prometheus' kind, so each names the one that the provisioning gives. */
const source = (name: string, label: string, description: string, text: string, value: string) =>
  new DatasourceVariableBuilder(name).label(label).description(description).type('prometheus').current({ text, value });

const values = (name: string, label: string, description: string, query: string) =>
  new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(LIVE)
    .query({ query, refId: `variable-${name}` })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);

const several = (name: string, label: string, description: string, query: string) =>
  values(name, label, description, query).multi(true).includeAll(true).allValue('.*').current(ALL);

export function variables(): Builder<VariableModel>[] {
  return [
    source('datasource', 'Data source', 'The Prometheus that scrapes the canary.', 'Prometheus', 'canary-prometheus'),
    source('trend', 'Trend data source', 'Where the canary exports its results to.', 'VictoriaMetrics', 'canary-trend'),
    values('canary', 'Canary', 'The deployment.', 'label_values(canary_build_info, canary)'),
    several('backend', 'Backend', 'How transfers are made.', 'label_values(canary_tests_total{canary="$canary"}, backend)'),
    several(
      'path',
      'Path',
      'The route.',
      'label_values(canary_tests_total{canary="$canary",backend=~"$backend"}, path)',
    ),
  ];
}
