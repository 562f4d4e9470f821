// compose.yml by its structure, since it can't be run here: it mounts files that there are, where the programs look for them,
// and its addresses and flags are those of the other files.

import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { ROOT } from './rules.js';

interface Service {
  image: string;
  network_mode: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes: string[];
}

const read = (file: string) => readFileSync(new URL(file, ROOT), 'utf8');
const { services, volumes } = parse(read('compose.yml')) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};

const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`no service ${name}`);
  return found;
};

/** The value of a flag in a service's command, or of a variable in its environment. */
const flag = (name: string, key: string) => {
  const { command = [], environment = {} } = service(name);
  return environment[key] ?? command.find((flag) => flag.startsWith(`${key}=`))?.slice(key.length + 1);
};

/** What is mounted at a place of a service. */
const mounted = (name: string, place: string) =>
  service(name).volumes.map((volume) => volume.split(':')).find(([, at]) => at === place)?.[0];

it('has the four servers, each of a pinned version', () => {
  expect(Object.keys(services)).toEqual(['prometheus', 'alertmanager', 'victoria-metrics', 'grafana']);
  for (const { image } of Object.values(services)) expect(image).toMatch(/^[a-z]+\/[a-z-]+:v?\d+\.\d+\.\d+$/);
});

describe.each(Object.entries(services))('%s', (_, { volumes: mounts, network_mode }) => {
  it('mounts what there is: files of this folder that it cannot change, and volumes that are declared', () => {
    for (const mount of mounts) {
      const [source = '', target, mode] = mount.split(':');
      expect(target, mount).toMatch(/^\//);
      if (source.startsWith('./')) {
        expect(existsSync(new URL(source, ROOT)), mount).toBe(true);
        expect(mode, mount).toBe('ro');
      } else {
        expect(Object.keys(volumes), mount).toContain(source);
      }
    }
  });

  it('is on the host\'s network, where the addresses of the files hold', () => {
    expect(network_mode).toBe('host');
  });
});

it('every volume that is declared is used', () => {
  const used = Object.values(services).flatMap(({ volumes: mounts }) => mounts.map((mount) => mount.split(':')[0]));
  for (const name of Object.keys(volumes)) expect(used).toContain(name);
});

describe('the addresses', () => {
  const prometheus = parse(read('prometheus/prometheus.yml')) as {
    rule_files: string[];
    alerting: { alertmanagers: { static_configs: { targets: string[] }[] }[] };
  };
  const { datasources } = parse(read('grafana/provisioning/datasources/canary.yml')) as { datasources: { url: string }[] };

  it('are those that Prometheus and Grafana are told', () => {
    const listens = [
      flag('prometheus', '--web.listen-address'),
      flag('victoria-metrics', '-httpListenAddr'),
      flag('alertmanager', '--web.listen-address'),
    ];
    expect(datasources.map(({ url }) => url)).toEqual(listens.map((address) => `http://${address}`));
    const alertmanagers = prometheus.alerting.alertmanagers.flatMap((each) => each.static_configs.flatMap(({ targets }) => targets));
    expect(alertmanagers).toEqual([flag('alertmanager', '--web.listen-address')]);
  });

  it('are of loopback, each of its own', () => {
    const all = [
      flag('prometheus', '--web.listen-address'),
      flag('alertmanager', '--web.listen-address'),
      flag('victoria-metrics', '-httpListenAddr'),
      `${flag('grafana', 'GF_SERVER_HTTP_ADDR')}:${flag('grafana', 'GF_SERVER_HTTP_PORT')}`,
    ];
    for (const address of all) expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(new Set(all).size).toBe(all.length);
  });

  it('reach the files: configurations, rules, secrets, provisioning and the dashboard', () => {
    expect(mounted('prometheus', flag('prometheus', '--config.file') ?? '')).toBe('./prometheus/prometheus.yml');
    for (const file of prometheus.rule_files) expect(mounted('prometheus', `/etc/prometheus/${file}`)).toBe(`./prometheus/${file}`);
    expect(mounted('alertmanager', flag('alertmanager', '--config.file') ?? '')).toBe('./alertmanager/alertmanager.yml');
    const secrets = [...read('alertmanager/alertmanager.yml').matchAll(/_file: (\S+)\/[\w.]+$/gm)].map(([, folder]) => folder ?? '');
    expect(secrets.length).toBe(3);
    for (const folder of secrets) expect(mounted('alertmanager', folder)).toBe('./alertmanager/secrets');
    expect(mounted('grafana', '/etc/grafana/provisioning')).toBe('./grafana/provisioning');
    const { providers } = parse(read('grafana/provisioning/dashboards/canary.yml')) as { providers: { options: { path: string } }[] };
    const [folder] = providers.map(({ options }) => options.path);
    expect(mounted('grafana', `${folder}/28-canary-reactor.json`)).toBe('./grafana/28-canary-reactor.json');
  });
});

describe('the flags', () => {
  const shipped = /^ARGS="(.*)"$/m.exec(read('victoriametrics/victoria-metrics.default'))?.[1]?.split(' ') ?? [];
  const where = (flag: string) => flag.startsWith('-storageDataPath=');

  it('of VictoriaMetrics are those of its flag file', () => {
    const own = service('victoria-metrics').command ?? [];
    expect(own.filter((flag) => !where(flag)).sort()).toEqual(shipped.filter((flag) => !where(flag)).sort());
  });

  it('keep what is stored in the volumes', () => {
    expect(mounted('prometheus', flag('prometheus', '--storage.tsdb.path') ?? '')).toBe('prometheus');
    expect(mounted('alertmanager', flag('alertmanager', '--storage.path') ?? '')).toBe('alertmanager');
    expect(mounted('victoria-metrics', flag('victoria-metrics', '-storageDataPath') ?? '')).toBe('victoria-metrics');
    expect(mounted('grafana', '/var/lib/grafana')).toBe('grafana');
  });
});
