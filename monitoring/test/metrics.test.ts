// The table of metrics against what an instance really serves. `fixtures/metrics.txt` is what `canary demo` answered to
// `GET /metrics`; take it anew when a metric is added or changed.

import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { CANARY, type Metric, ONLY_WITH_EXPORT } from '../src/metrics.js';
import { ROOT } from './rules.js';

const sample = readFileSync(new URL('test/fixtures/metrics.txt', ROOT), 'utf8').split('\n');
const types = new Map(
  sample.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ').slice(2, 4) as [string, string]),
);

/** The labels of a served series, without those that all have. */
function served(series: string): string[][] {
  return sample
    .filter((line) => line.startsWith(`${series}{`))
    .map((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label = '']) => label))
    .map((labels) => labels.filter((label) => label !== 'canary' && label !== 'le').sort());
}

describe.each(Object.entries(CANARY).filter(([name]) => !ONLY_WITH_EXPORT.includes(name)))('%s', (name, metric) => {
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

function seriesName(name: string, { kind }: Metric): string {
  return kind === 'histogram' ? `${name}_count` : name;
}
