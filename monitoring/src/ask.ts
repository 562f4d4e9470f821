// Asks real servers every query there is: `npm run ask -- --prometheus URL [--trend URL] --canary NAME`.
//
// Each has to parse and to give a series. A query that gives none because all is well (an alert) still needs a series
// for each of its selectors: so a misspelt name or label shows in any of them. Without `--trend` the trend is left out.
//
// With `--proof`, for a deployment in which everything has happened, only the queries in `QUIET` may give none.

import { parseArgs } from 'node:util';

import { selectors, substitute } from './parse.js';
import { type Asked, dashboardQueries, ruleQueries } from './queries.js';
import { QUIET } from './quiet.js';

/** What may be without series in a deployment of one's own, and why. The first that fits a selector counts. */
const MAY_LACK: readonly (readonly [RegExp, string])[] = [
  [/\b(eventstore|pg)_/, 'the platform\'s exporters are not scraped'],
  [/canary_export_|role="export"/, 'no instance exports'],
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

const excuse = (selector: string) => MAY_LACK.find(([pattern]) => pattern.test(selector))?.[1];

/** What is to be said of a query without series; `undefined` if nothing is wrong. */
async function silent(server: string, { where }: Asked, expr: string, proof: boolean): Promise<string | undefined> {
  const lacking: string[] = [];
  let why = QUIET[where];
  if (proof && !why) return 'no series, and it is not one that may have none';
  for (const selector of selectors(expr)) {
    if ((await count(server, selector)) > 0) continue;
    const excused = proof ? undefined : excuse(selector);
    why ??= excused;
    if (!excused) lacking.push(selector);
  }
  if (lacking.length > 0) return `no series for ${lacking.join(', ')}`;
  console.log(`empty   ${where}: ${why ?? 'nothing to say at the moment'}`);
  return undefined;
}

async function ask(
  server: string,
  asked: Asked,
  values: Readonly<Record<string, string>>,
  proof: boolean,
): Promise<string | undefined> {
  const expr = substitute(asked.expr, values);
  try {
    const series = await count(server, expr);
    if (series === 0) return await silent(server, asked, expr, proof);
    console.log(`${String(series).padStart(5)}   ${asked.where}`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<number> {
  const { values: args } = parseArgs({
    options: {
      prometheus: { type: 'string' },
      trend: { type: 'string' },
      canary: { type: 'string' },
      proof: { type: 'boolean', default: false },
    },
  });
  const { prometheus, trend, canary, proof } = args;
  if (!prometheus || !canary || (proof && !trend)) {
    console.error('usage: npm run ask -- --prometheus URL [--trend URL] --canary NAME [--proof]');
    return 64;
  }
  const values = { canary, path: '.*', backend: '.*', __rate_interval: '2m', __range: '5m', __interval: '1m' };
  let wrong = 0;
  for (const asked of [...dashboardQueries(), ...ruleQueries()]) {
    const server = asked.source === 'trend' ? trend : prometheus;
    if (!server) continue;
    const finding = await ask(server, asked, values, proof);
    if (finding) {
      wrong += 1;
      console.log(`WRONG   ${asked.where}: ${finding}\n        ${asked.expr}`);
    }
  }
  return wrong > 0 ? 1 : 0;
}

process.exitCode = await main();
