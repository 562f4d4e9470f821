// The table of metrics against what an instance really serves, and the reference made from both. `fixtures/metrics.txt` is
// what `canary demo --export URL` answered to `GET /metrics`; take it anew when a metric is added or changed.

import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { CANARY, type Metric, SCRAPED_SERIES, UPSTREAM } from '../src/metrics.js';
import { INSTANCES, reference } from '../src/reference.js';
import { unknowns } from './known.js';
import { ROOT } from './rules.js';


const read = (file: string) => readFileSync(new URL(file, ROOT), 'utf8');
const lines = (name: string) => read(`test/fixtures/${name}`).split('\n');
const typesIn = (sample: readonly string[]) =>
  new Map(sample.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ').slice(2, 4) as [string, string]));

const sample = lines('metrics.txt');
const types = typesIn(sample);

/** The labels of a served series, without those that all have. */
function served(series: string, from: readonly string[] = sample): string[][] {
  return from
    .filter((line) => line.startsWith(`${series}{`) || line.startsWith(`${series} `))
    .map((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label))
    .map((labels) => labels.filter((label) => label !== 'canary' && label !== 'le').sort());
}

describe.each(Object.entries(CANARY))('%s', (name, metric) => {
  it('is served as the table says', () => {
    expect(types.get(name)).toBe(metric.kind);
    const series = served(seriesName(name, metric));
    expect(series).not.toEqual([]);
    for (const labels of series) expect(labels).toEqual([...metric.labels].sort());
  });

  it('bears its unit in its name, as its kind wants', () => {
    expect(name.endsWith('_total')).toBe(metric.kind === 'counter');
    expect(name).not.toMatch(/_(ms|minutes|hours)$/);
  });
});

it('the table lacks no metric that is served', () => {
  expect([...types.keys()].filter((name) => !(name in CANARY))).toEqual([]);
});

it('the table lacks no metric that the code declares', () => {
  const folder = new URL('../telemetry/src/', ROOT);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs'));
  const declared = files.flatMap((file) => {
    const source = readFileSync(new URL(file, folder), 'utf8');
    const calls = /\b(?:counters?|(?:int_)?gauges?|histograms?|(?:Int)?(?:Counter|Gauge)::new)\(\s*(?:&?registry,\s*)?"([a-z_]+)"/g;
    return [...source.matchAll(calls)].map(([, name]) => `canary_${name}`);
  });
  expect(declared.length).toBeGreaterThan(20);
  expect(declared.filter((name) => !(name in CANARY))).toEqual([]);
});

describe.each(Object.entries(UPSTREAM))('%s', (name, metric) => {
  it('is what the exporters\' sample says, by which the panels are proven', () => {
    const upstream = lines('upstream.txt');
    expect(typesIn(upstream).get(name)).toBe(metric.kind);
    const series = served(name, upstream);
    expect(series).not.toEqual([]);
    for (const labels of series) expect(labels).toEqual([...metric.labels].sort());
  });
});

describe('docs/metrics.md', () => {
  const page = read('../docs/metrics.md');

  it('is what `npm run generate` writes', () => {
    expect(page).toBe(reference());
  });

  it('says of each metric how to read it over instances, and where it is used', () => {
    expect(Object.keys(INSTANCES)).toEqual(Object.keys(CANARY));
    expect(page).not.toContain('nowhere');
  });

  it('recommends queries that parse and name what exists', () => {
    const block = /```promql\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const queries = block.split('\n').filter((line) => line && !line.startsWith('#'));
    expect(queries.length).toBeGreaterThan(5);
    for (const query of queries) expect(unknowns(query, SCRAPED_SERIES), query).toEqual([]);
  });
});

function seriesName(name: string, { kind }: Metric): string {
  return kind === 'histogram' ? `${name}_count` : name;
}
