// Writes PromQL. Every selector goes through `select`, which knows the labels of each series: a name that is in no
// table stops the generator, and the dashboard's variables are applied wherever a series has their label.

import { EXPORTED_SERIES, SCRAPED_SERIES } from './metrics.js';

/** The service level objective of the rules; a test holds the two together. */
export const OBJECTIVE = 0.99;

/** The range in which counters are summed for a point of a graph, and for a single number. */
export const STEP = '$__rate_interval';
export const RANGE = '$__range';

const VARIABLES: Readonly<Record<string, string>> = {
  canary: 'canary="$canary"',
  path: 'path=~"$path"',
  backend: 'backend=~"$backend"',
};

/** A series of the selected canary, paths and backends. */
export function select(series: string, ...matchers: string[]): string {
  const labels = SCRAPED_SERIES.get(series) ?? EXPORTED_SERIES.get(series);
  if (!labels) throw new Error(`${series} is in no table of metrics.ts`);
  const chosen = Object.entries(VARIABLES).flatMap(([label, matcher]) => (labels.includes(label) ? [matcher] : []));
  const all = [...chosen, ...matchers].join(',');
  return all ? `${series}{${all}}` : series;
}

/** `sum`, `max` and the like over all series that agree in these labels, so over instances, too. */
export function over(how: string, by: readonly string[], expr: string): string {
  return by.length > 0 ? `${how} by (${by.join(', ')}) (${expr})` : `${how}(${expr})`;
}

/** By how much a counter rose. Summed after `increase`, since another process counts on after a change of leader. */
export function increase(by: readonly string[], range: string, counter: string, ...matchers: string[]): string {
  return over('sum', by, `increase(${select(counter, ...matchers)}[${range}])`);
}

/** How fast a counter rises, in a second. */
export function rate(by: readonly string[], counter: string, ...matchers: string[]): string {
  return over('sum', by, `rate(${select(counter, ...matchers)}[${STEP}])`);
}

/** A quantile of a histogram; nothing (instead of NaN) where nothing was counted. */
export function quantile(q: number, by: readonly string[], range: string, histogram: string, ...matchers: string[]): string {
  const buckets = `rate(${select(`${histogram}_bucket`, ...matchers)}[${range}])`;
  return `histogram_quantile(${q}, ${over('sum', [...by, 'le'], buckets)}) >= 0`;
}

/** How long ago a moment was; the latest of all instances counts. */
export function age(by: readonly string[], timestamp: string, ...matchers: string[]): string {
  return `time() - ${over('max', by, `${select(timestamp, ...matchers)} > 0`)}`;
}

const tests = (by: readonly string[], range: string, outcome: string) =>
  increase(by, range, 'canary_tests_total', `outcome="${outcome}"`);

/** Tests that went wrong. One that failed by timeout and is late in the end counts under both, so the greater counts. */
export function wrong(by: readonly string[], range: string): string {
  const late = tests(by, range, 'late');
  return `(${tests(by, range, 'failed')} >= ${late} or ${late})`;
}

/** Tests that told how the platform did. */
export function told(by: readonly string[], range: string): string {
  return `(${tests(by, range, 'passed')} + ${wrong(by, range)})`;
}

/** The part of them that passed; nothing where nothing was told. */
export function passRate(by: readonly string[], range: string): string {
  return `${tests(by, range, 'passed')} / (${told(by, range)} > 0)`;
}
