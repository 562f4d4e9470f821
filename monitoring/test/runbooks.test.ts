// docs/runbooks.md: a section for each alert and none besides, each of the same build, its queries ready to paste.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { EXPORTED_SERIES, SCRAPED_SERIES } from '../src/metrics.js';
import { unknowns } from './known.js';
import { ALERTS, RECORDED_SERIES, ROOT } from './rules.js';

const PARTS = ['Meaning', 'Impact', 'Diagnosis', 'Mitigation'];

/** What the monitoring servers say of themselves, as far as a runbook asks. */
const OWN: ReadonlyMap<string, readonly string[]> = new Map([
  ['ALERTS', ['alertname', 'alertstate', 'canary']],
  ['prometheus_notifications_dropped_total', []],
  ['prometheus_rule_evaluation_failures_total', ['rule_group']],
  ['scrape_samples_scraped', ['canary', 'instance', 'job']],
  ['vm_rows_ignored_total', ['reason']],
]);

const page = readFileSync(new URL('../docs/runbooks.md', ROOT), 'utf8');
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((section) => ({ alert: section.slice(0, section.indexOf('\n')), body: section }));

const queries = (body: string) => [...body.matchAll(/^```promql\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
  block.split('\n').filter((line) => line && !line.startsWith('#')),
);

it('the runbooks are those of the alerts, in their order', () => {
  expect(sections.map(({ alert }) => alert)).toEqual(ALERTS.map(({ alert }) => alert));
});

describe.each(sections)('the runbook of $alert', ({ body }) => {
  it('says what it means, what it does to whom, how to look and what to do', () => {
    const parts = [...body.matchAll(/^\*\*(\w+)\.\*\*/gm)].map(([, part]) => part);
    expect(parts).toEqual(PARTS);
  });

  it('has queries to paste, which parse and name what exists', () => {
    expect(queries(body)).not.toEqual([]);
    for (const query of queries(body)) {
      expect(unknowns(query, SCRAPED_SERIES, RECORDED_SERIES, EXPORTED_SERIES, OWN), query).toEqual([]);
    }
  });
});
