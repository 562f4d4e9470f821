// The alert rules: they parse, name what exists, are tested, and lead to a runbook.

import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { SCRAPED_SERIES } from '../src/metrics.js';
import { unknowns } from './known.js';
import { ALERTS, RECORDED_SERIES, RECORDINGS, ROOT } from './rules.js';
import { run } from './tools.js';

const TESTS = readdirSync(new URL('prometheus/tests/', ROOT)).filter((file) => file.endsWith('.test.yml'));

interface RuleTest {
  name: string;
  alert_rule_test?: { alertname: string; exp_alerts: { exp_labels: Record<string, string> }[] }[];
}

const ruleTests = TESTS.flatMap((file) => {
  const source = readFileSync(new URL(`prometheus/tests/${file}`, ROOT), 'utf8');
  return (parse(source) as { tests: RuleTest[] }).tests;
});

/** In each test about an alert, whether it fires at each looked-at moment, in order. */
function course(alert: string): boolean[][] {
  return ruleTests
    .map((test) => (test.alert_rule_test ?? []).filter(({ alertname }) => alertname === alert))
    .filter((looks) => looks.length > 0)
    .map((looks) => looks.map(({ exp_alerts }) => exp_alerts.length > 0));
}

describe('the rules', () => {
  it('are valid for Prometheus', () => {
    expect(run('promtool', 'check', 'rules', 'prometheus/rules.yml')).toContain('SUCCESS');
  });

  it('are valid for vmalert', () => {
    run('vmalert', '-dryRun', '-rule=prometheus/rules.yml');
  });

  it.each(TESTS)('do what %s expects', (file) => {
    expect(run('promtool', 'test', 'rules', `prometheus/tests/${file}`)).toContain('SUCCESS');
  });

  it.each([...ALERTS, ...RECORDINGS])('name only series and labels that exist: $alert$record', ({ expr }) => {
    expect(unknowns(expr, SCRAPED_SERIES, RECORDED_SERIES)).toEqual([]);
  });
});

describe.each(ALERTS)('$alert', ({ alert, expr, labels, annotations }) => {
  it('says how urgent it is, what it is about and where to read on', () => {
    expect(labels['severity']).toMatch(/^(critical|warning|none)$/);
    expect(annotations['summary']).toBeTruthy();
    expect(annotations['description']).toMatch(/\.$/);
    expect(annotations['runbook_url']).toBe(`https://canary.example/docs/runbooks.md#${alert.toLowerCase()}`);
  });

  it('is tested firing, quiet and resolving', () => {
    const tests = course(alert);
    const always = expr === 'vector(1)';
    expect(tests.some((looks) => looks.includes(true)), 'a firing case').toBe(true);
    expect(always || tests.some((looks) => looks.includes(false)), 'a quiet case').toBe(true);
    const resolves = (looks: boolean[]) => looks.lastIndexOf(false) > looks.indexOf(true) && looks.includes(true);
    expect(always || tests.some(resolves), 'a resolving case').toBe(true);
  });
});
