// Asks real servers every query there is: `npm run ask -- --prometheus URL [--trend URL] --canary NAME`.
//
// Each has to parse and to give a series. A query that gives none because all is well (an alert) still needs a series
// for each of its selectors: so a misspelt name or label shows in any of them. Without `--trend` the trend is left out.

import { parseArgs } from 'node:util';

import { selectors, substitute } from './parse.js';
import { type Asked, dashboardQueries, ruleQueries } from './queries.js';

/** What may be without series, and why. The first that fits a query's place or selector counts. */
const MAY_BE_EMPTY: readonly (readonly [RegExp, string])[] = [
  [/\b(eventstore|pg)_/, 'the platform\'s exporters are not part of the canary'],
  [/canary_export_|role="export"/, 'served only by an instance that exports'],
  [/ offset (1h|10m)$/, 'it runs for less than that'],
];

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: readonly unknown[] };
}

/** How many series an expression has now. */
async function count(server: string, expr: string): Promise<number> {
  const response = await fetch(`${server}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr }) });
  const answer = (await response.json()) as Answer;
  if (answer.status !== 'success' || !answer.data) throw new Error(answer.error ?? `answered ${response.status}`);
  return answer.data.result.length;
}

const excuse = (text: string) => MAY_BE_EMPTY.find(([pattern]) => pattern.test(text))?.[1];

/** What is to be said of a query without series; `undefined` if nothing is wrong. */
async function silent(server: string, { where }: Asked, expr: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (const selector of selectors(expr)) {
    if ((await count(server, selector)) === 0 && !excuse(selector)) missing.push(selector);
  }
  if (missing.length > 0) return `no series for ${missing.join(', ')}`;
  const why = excuse(expr) ?? 'nothing to say at the moment';
  console.log(`empty   ${where}: ${why}`);
  return undefined;
}

async function ask(server: string, asked: Asked, values: Readonly<Record<string, string>>): Promise<string | undefined> {
  const expr = substitute(asked.expr, values);
  try {
    const series = await count(server, expr);
    if (series === 0) return await silent(server, asked, expr);
    console.log(`${String(series).padStart(5)}   ${asked.where}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<number> {
  const { values: args } = parseArgs({
    options: { prometheus: { type: 'string' }, trend: { type: 'string' }, canary: { type: 'string' } },
  });
  const { prometheus, trend, canary } = args;
  if (!prometheus || !canary) {
    console.error('usage: npm run ask -- --prometheus URL [--trend URL] --canary NAME');
    return 64;
  }
  const values = { canary, path: '.*', backend: '.*', __rate_interval: '2m', __range: '5m', __interval: '1m' };
  let wrong = 0;
  for (const asked of [...dashboardQueries(), ...ruleQueries()]) {
    const server = asked.source === 'trend' ? trend : prometheus;
    if (!server) continue;
    const finding = await ask(server, asked, values);
    if (finding) {
      wrong += 1;
      console.log(`WRONG   ${asked.where}: ${finding}\n        ${asked.expr}`);
    }
  }
  return wrong > 0 ? 1 : 0;
}

process.exitCode = await main();
