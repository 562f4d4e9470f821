// Who hears of which alert, and which alert holds which other back: asked of amtool and of a real Alertmanager.

import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { ALERTS, ROOT } from './rules.js';
import { type Server, start, until } from './server.js';
import { run } from './tools.js';

const FILE = 'alertmanager/alertmanager.yml';

interface Config {
  inhibit_rules: { source_matchers: string[]; target_matchers: string[]; equal: string[] }[];
}

const config = parse(readFileSync(new URL(FILE, ROOT), 'utf8')) as Config;

const receiver = (labels: Record<string, string>) =>
  run('amtool', 'config', 'routes', 'test', `--config.file=${FILE}`, ...Object.entries(labels).map(([k, v]) => `${k}=${v}`)).trim();

describe('the routes', () => {
  it('are valid', () => {
    run('amtool', 'check-config', FILE);
  });

  it.each(ALERTS)('take $alert to whom its severity says', ({ alert, labels: { severity = '' } }) => {
    const bySeverity: Record<string, string> = { critical: 'pager', warning: 'tickets', none: 'nobody' };
    const expected = alert === 'CanaryWatchdog' ? 'watchdog' : bySeverity[severity];
    expect(receiver({ alertname: alert, severity, canary: 'prod', path: 'a-intra' })).toBe(expected);
  });

  it('take what they do not know to a ticket', () => {
    expect(receiver({ alertname: 'Unheard' })).toBe('tickets');
  });

  it('name only alerts that exist', () => {
    const named = readFileSync(new URL(FILE, ROOT), 'utf8').match(/\bCanary\w+/g) ?? [];
    const known = ALERTS.map(({ alert }) => alert);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('hold nothing back across canaries', () => {
    for (const { equal } of config.inhibit_rules) expect(equal).toContain('canary');
  });
});

type Labels = Record<string, string>;

/** `Name` of canary prod, on path a-intra. */
const of = (alertname: string, more: Labels = {}): Labels => ({ alertname, canary: 'prod', path: 'a-intra', ...more });

/** What is held back by what, and what is not. */
const CASES: { source: Labels; held: Labels[]; heard: Labels[] }[] = [
  {
    source: { alertname: 'CanaryWarmingUp', canary: 'prod' },
    held: [of('CanaryStale'), of('CanaryReactorBlind'), of('CanaryVerdictDelay'), of('CanaryExportLag')],
    heard: [of('CanaryPathFailing'), of('CanaryNoLeader'), of('CanaryStale', { canary: 'stage' })],
  },
  {
    source: { alertname: 'CanaryMaintenance', canary: 'prod' },
    held: [of('CanaryPathFailing'), of('CanaryPassRateBurnFast'), of('CanaryPassRateBurnSlow'), of('CanaryReactorBlind')],
    heard: [of('CanaryRefundedAfterSettled'), of('CanaryNoLeader'), of('CanaryAgentRunway')],
  },
  {
    source: of('CanaryPathOnHold'),
    held: [of('CanaryPathFailing'), of('CanaryPassRateBurnFast'), of('CanaryStale')],
    heard: [of('CanaryPathFailing', { path: 'a-2pc' }), of('CanaryRefundedAfterSettled'), of('CanaryReactorBlind')],
  },
  {
    source: of('CanaryPathFailing'),
    held: [of('CanaryPassRateBurnFast', { backend: 'intra' }), of('CanaryPassRateBurnSlow')],
    heard: [of('CanaryPassRateBurnFast', { path: 'a-2pc' }), of('CanaryStale')],
  },
  {
    source: { alertname: 'CanaryNoLeader', canary: 'prod', role: 'judge' },
    held: [of('CanaryStale'), of('CanaryVerdictDelay')],
    heard: [of('CanaryPathFailing'), of('CanaryStale', { canary: 'stage' })],
  },
  {
    source: { alertname: 'CanaryReactorBlind', canary: 'prod', frame: 'a', event: 'TokensTransferred' },
    held: [of('CanaryStale'), of('CanaryVerdictDelay')],
    heard: [of('CanaryPathFailing'), of('CanaryNoLeader')],
  },
  {
    source: { alertname: 'CanaryAbsent', canary: 'prod' },
    held: [of('CanaryNoLeader'), of('CanaryStale'), of('CanaryReactorBlind')],
    heard: [of('CanaryPathFailing'), of('CanaryRefundedAfterSettled'), of('CanaryAbsent', { canary: 'stage' })],
  },
];

interface Seen {
  labels: Labels;
  status: { state: 'unprocessed' | 'active' | 'suppressed'; inhibitedBy: string[] };
}

describe.each(CASES)('$source.alertname', ({ source, held, heard }) => {
  let server: Server;

  beforeAll(async () => {
    server = await start('prometheus-alertmanager', '/-/ready', (listen, data) => [
      `--config.file=${new URL(FILE, ROOT).pathname}`,
      `--storage.path=${data}`,
      `--web.listen-address=${listen}`,
      '--cluster.listen-address=',
    ]);
  });
  afterAll(() => server.stop());

  it('holds back what follows from it, and nothing else', async () => {
    const alerts = [source, ...held, ...heard];
    // Severity none goes to nobody, so that no case sends anything.
    const body = JSON.stringify(alerts.map((labels) => ({ labels: { ...labels, severity: 'none' } })));
    const posted = await fetch(`${server.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(posted.status).toBe(200);
    const seen = await until('all alerts in Alertmanager', async () => {
      const answer = (await (await fetch(`${server.url}/api/v2/alerts`)).json()) as Seen[];
      const processed = answer.filter(({ status }) => status.state !== 'unprocessed');
      return processed.length === alerts.length ? processed : undefined;
    });
    const key = ({ severity: _, ...labels }: Labels) => JSON.stringify(Object.entries(labels).sort());
    const states = new Map(seen.map(({ labels, status }) => [key(labels), status.state]));
    for (const labels of held) expect(states.get(key(labels)), JSON.stringify(labels)).toBe('suppressed');
    for (const labels of heard) expect(states.get(key(labels)), JSON.stringify(labels)).toBe('active');
  });
});
