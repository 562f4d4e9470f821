// The rules as data.

import { readFileSync } from 'node:fs';

import { parse } from 'yaml';

import { resultLabels, uses } from '../src/parse.js';

export const ROOT = new URL('../', import.meta.url);
export const RULES = new URL('prometheus/rules.yml', ROOT);

export interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Recording {
  record: string;
  expr: string;
}

interface RuleFile {
  groups: { name: string; rules: (Alert | Recording)[] }[];
}

const rules = (parse(readFileSync(RULES, 'utf8')) as RuleFile).groups.flatMap((group) => group.rules);

export const ALERTS = rules.filter((rule): rule is Alert => 'alert' in rule);
export const RECORDINGS = rules.filter((rule): rule is Recording => 'record' in rule);

/** The labels of each recorded series: of the aggregation that makes it, or else of the recorded series it is made from. */
export const RECORDED_SERIES: ReadonlyMap<string, readonly string[]> = RECORDINGS.reduce((known, { record, expr }) => {
  const made = resultLabels(expr) ?? uses(expr).flatMap(({ series }) => known.get(series) ?? []);
  return known.set(record, [...new Set(made)]);
}, new Map<string, readonly string[]>());
