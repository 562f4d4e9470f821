// Every query there is: of panels, variables, annotations and rules, each with the place it stands in.

import { readFileSync } from 'node:fs';

import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import { parse } from 'yaml';

import { build } from './dashboard.js';

export interface Asked {
  /** Such as `panel 101 Pass rate A`. */
  readonly where: string;
  readonly expr: string;
  /** Which data source is asked. */
  readonly source: 'datasource' | 'trend';
}

const sourceOf = (uid: string | undefined): Asked['source'] => {
  if (uid === '${datasource}') return 'datasource';
  if (uid === '${trend}') return 'trend';
  throw new Error(`a query of the data source ${uid}, which no variable chooses`);
};

/** The selector in `label_values(selector, label)`. */
function inVariable(query: string): string {
  const selector = /^label_values\((.+), \w+\)$/.exec(query)?.[1];
  if (!selector) throw new Error(`a variable by another function: ${query}`);
  return selector;
}

export function dashboardQueries(): Asked[] {
  const { panels = [], templating, annotations } = build();
  const ofPanels = panels.flatMap((panel) => {
    if (panel.type === 'row' || !('targets' in panel)) return [];
    return (panel.targets as Dataquery[]).map(({ refId, expr, datasource }) => ({
      where: `panel ${panel.id} ${panel.title} ${refId}`,
      expr,
      source: sourceOf(datasource?.uid),
    }));
  });
  const ofVariables = (templating.list ?? []).flatMap(({ name, type, query, datasource }) =>
    type === 'query' && typeof query === 'object'
      ? [{ where: `variable ${name}`, expr: inVariable(query['query'] as string), source: sourceOf(datasource?.uid) }]
      : [],
  );
  const ofAnnotations = (annotations.list ?? []).map(({ name, target, datasource }) => ({
    where: `annotation ${name}`,
    expr: (target as unknown as Dataquery).expr,
    source: sourceOf(datasource?.uid),
  }));
  return [...ofPanels, ...ofVariables, ...ofAnnotations];
}

interface RuleFile {
  groups: { rules: { alert?: string; record?: string; expr: string }[] }[];
}

export function ruleQueries(): Asked[] {
  const file = readFileSync(new URL('../prometheus/rules.yml', import.meta.url), 'utf8');
  return (parse(file) as RuleFile).groups
    .flatMap(({ rules }) => rules)
    .map(({ alert, record, expr }) => ({ where: `rule ${alert ?? record}`, expr, source: 'datasource' }));
}
