// The configurations of Prometheus and VictoriaMetrics: valid, and what the rules and the export count on.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { ROOT } from './rules.js';
import { start } from './server.js';
import { run } from './tools.js';

interface Config {
  global: { scrape_interval: string; evaluation_interval: string };
  storage: { tsdb: { out_of_order_time_window: string } };
  scrape_configs: {
    job_name: string;
    honor_labels?: boolean;
    static_configs: { targets: string[]; labels?: Record<string, string> }[];
  }[];
}

describe('prometheus.yml', () => {
  const config = parse(readFileSync(new URL('prometheus/prometheus.yml', ROOT), 'utf8')) as Config;

  it('is valid', () => {
    expect(run('promtool', 'check', 'config', 'prometheus/prometheus.yml')).toContain('SUCCESS');
  });

  it('scrapes and evaluates as often as the rules count on', () => {
    expect(config.global).toMatchObject({ scrape_interval: '15s', evaluation_interval: '15s' });
  });

  it('gives `up` the label by which the rules know a canary, and leaves the canary its own', () => {
    const job = config.scrape_configs.find(({ job_name }) => job_name === 'canary');
    expect(job?.honor_labels).toBe(true);
    expect(job?.static_configs.length).toBeGreaterThan(0);
    for (const { labels } of job?.static_configs ?? []) expect(labels?.['canary']).toBeTruthy();
  });

  it('takes the export though it is older than what is scraped', () => {
    expect(config.storage.tsdb.out_of_order_time_window).toBe('2h');
  });
});

describe('victoria-metrics.default', () => {
  const file = readFileSync(new URL('victoriametrics/victoria-metrics.default', ROOT), 'utf8');
  const flags = /^ARGS="(.*)"$/m.exec(file)?.[1]?.split(' ') ?? [];

  it('keeps what the trend shows, and each sample once', () => {
    expect(flags).toContain('-retentionPeriod=60d');
    expect(flags).toContain('-dedup.minScrapeInterval=1ms');
  });

  it('starts', async () => {
    const others = flags.filter((flag) => !/^-(storageDataPath|httpListenAddr)=/.test(flag));
    const server = await start('victoria-metrics', '/health', (listen, data) => [
      `-httpListenAddr=${listen}`,
      `-storageDataPath=${data}`,
      ...others,
    ]);
    try {
      const running = await (await fetch(`${server.url}/flags`)).text();
      for (const flag of others) expect(running).toContain(flag.replace('=', '="'));
    } finally {
      await server.stop();
    }
  });
});
