// The dashboard: the file is what the builders make, and holds what dashboard-linter would ask, and more.

import { existsSync, readFileSync } from 'node:fs';

import { type Panel, type RowPanel, type VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { build, text } from '../src/dashboard.js';
import { CANARY, EXPORTED, EXPORTED_SERIES, SCRAPED_SERIES } from '../src/metrics.js';
import { uses } from '../src/parse.js';
import { OBJECTIVE } from '../src/promql.js';
import { dashboardQueries } from '../src/queries.js';
import { unknowns } from './known.js';
import { RECORDINGS, ROOT } from './rules.js';

const FILE = new URL('grafana/28-canary-reactor.json', ROOT);
const SECTIONS = [
  'Pass-rate aggregates',
  'Per-path scoreboard',
  'Latency by stage',
  'Validator pipeline',
  'Runner, judge and leadership',
  'Upstream: EventStore and TEG database',
  '30-day trend',
  'Failures',
];
const VARIABLES = ['datasource', 'trend', 'canary', 'backend', 'path'];
const OF_GRAFANA = ['__rate_interval', '__range', '__interval'];

const dashboard = build();
const all = dashboard.panels ?? [];
const isRow = (panel: Panel | RowPanel): panel is RowPanel => panel.type === 'row';
const panels = all.filter((panel): panel is Panel => !isRow(panel));
const queries = dashboardQueries();

it('the file is what `npm run generate` writes', () => {
  expect(readFileSync(FILE, 'utf8')).toBe(text());
});

describe('the dashboard', () => {
  it('is of the schema it was asked in', () => {
    expect(dashboard).toMatchObject({ title: '28 — Canary Reactor', uid: 'canary-reactor', schemaVersion: 42 });
  });

  it('has its sections, each with panels, in their order', () => {
    expect(all.filter(isRow).map(({ title }) => title)).toEqual(SECTIONS);
    all.forEach((panel, index) => {
      if (isRow(panel)) expect(all[index + 1]?.type, panel.title).not.toBe('row');
    });
    expect(all.at(-1)?.type).not.toBe('row');
  });

  it('has its variables, each with a label and a description', () => {
    const list = dashboard.templating.list ?? [];
    expect(list.map(({ name }) => name)).toEqual(VARIABLES);
    for (const { label, description } of list) expect([label, description]).not.toContain(undefined);
  });

  it('marks starts, changes of leader and maintenance', () => {
    const names = (dashboard.annotations.list ?? []).map(({ name }) => name);
    expect(names).toEqual(['Process starts', 'Leader changes', 'Maintenance and pauses']);
  });

  it('numbers its panels, each once', () => {
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('lays no panel over another and leaves no hole beside one', () => {
    const taken = new Map<string, string>();
    for (const { gridPos, title = '' } of all) {
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let row = y; row < y + h; row += 1) {
        for (let column = x; column < x + w; column += 1) {
          expect(taken.get(`${row},${column}`), title).toBeUndefined();
          taken.set(`${row},${column}`, title);
        }
      }
    }
    const rows = new Map<number, number>();
    for (const place of taken.keys()) rows.set(parseInt(place, 10), (rows.get(parseInt(place, 10)) ?? 0) + 1);
    expect([...rows.values()].filter((columns) => columns !== 24)).toEqual([]);
  });

  it('shows each metric of the canary somewhere', () => {
    const shown = new Set(queries.flatMap(({ expr }) => uses(expr)).map(({ series }) => series.replace(/_(bucket|count|sum)$/, '')));
    expect(Object.keys({ ...CANARY, ...EXPORTED }).filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has the objective of the rules', () => {
    const objective = RECORDINGS.find(({ record }) => record === 'canary:slo_objective:ratio');
    expect(objective?.expr).toBe(`vector(${OBJECTIVE})`);
  });
});

describe.each(panels)('panel $title', (panel) => {
  const targets = (panel.targets ?? []) as Dataquery[];

  it('says what it shows and how to read it', () => {
    expect(panel.title).toBeTruthy();
    expect(panel.description).toMatch(/^[A-Z].+\.$/s);
  });

  it('has a unit that Grafana knows', () => {
    expect(Object.values(units)).toContain(panel.fieldConfig?.defaults.unit);
  });

  it('has queries, each named, to a data source that can be chosen', () => {
    expect(targets).not.toEqual([]);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    const uid = panel.datasource?.uid;
    expect(uid).toMatch(/^\$\{(datasource|trend)\}$/);
    for (const target of targets) {
      expect(target.datasource).toEqual({ type: 'prometheus', uid });
      expect(target.expr).toBeTruthy();
      expect(Boolean(target.instant) !== Boolean(target.range), 'instant or range').toBe(true);
    }
  });

  it('names its lines after labels that they have', () => {
    for (const { expr, legendFormat = '' } of targets) {
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(uses(expr).flatMap(({ labels }) => [...labels]), legendFormat).toContain(label);
      }
    }
  });
});

describe.each(queries)('the query of $where', ({ expr, source }) => {
  it('names only series and labels that its data source has', () => {
    expect(unknowns(expr, source === 'trend' ? EXPORTED_SERIES : SCRAPED_SERIES)).toEqual([]);
  });

  it('takes rates over the interval or the range that Grafana gives', () => {
    const windows = [...expr.matchAll(/\b(?:i?rate|increase|i?delta|resets)\([^[\]]+\[([^\]]+)\]/g)].map(([, window]) => window);
    expect(windows.filter((window) => window !== '$__rate_interval' && window !== '$__range')).toEqual([]);
  });

  it('uses only variables that there are', () => {
    const used = [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);
    expect(used.filter((name) => ![...VARIABLES, ...OF_GRAFANA].includes(name ?? ''))).toEqual([]);
  });

  it('is of the chosen canary, if it is of one', () => {
    for (const { series, labels } of uses(expr)) {
      const isOfOne = series.startsWith('canary_') && expr !== 'canary_build_info';
      if (isOfOne) expect(labels, series).toContain('canary');
    }
  });
});

describe('the provisioning', () => {
  const read = (file: string) => parse(readFileSync(new URL(`grafana/provisioning/${file}`, ROOT), 'utf8')) as unknown;

  it('gives the data sources that the variables begin with', () => {
    const { datasources } = read('datasources/canary.yml') as { datasources: { name: string; uid: string; type: string }[] };
    const begin = (dashboard.templating.list ?? []).filter(({ type }: VariableModel) => type === 'datasource');
    expect(begin.length).toBe(2);
    for (const { current } of begin) {
      expect(datasources).toContainEqual(expect.objectContaining({ name: current?.text, uid: current?.value, type: 'prometheus' }));
    }
  });

  it('gives a folder for the dashboard', () => {
    const { providers } = read('dashboards/canary.yml') as { providers: { type: string; options: { path: string } }[] };
    expect(providers).toMatchObject([{ type: 'file', options: { path: '/var/lib/grafana/dashboards/canary' } }]);
    expect(existsSync(FILE)).toBe(true);
  });
});
