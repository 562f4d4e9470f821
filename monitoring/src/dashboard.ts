// The dashboard: eight sections under one set of variables, marked by the same annotations.

import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';

import { annotations } from './annotations.js';
import type { Section } from './section.js';
import { failures } from './sections/failures.js';
import { latencies } from './sections/latency.js';
import { leadership } from './sections/leadership.js';
import { passRates } from './sections/pass-rate.js';
import { scoreboard } from './sections/scoreboard.js';
import { trend } from './sections/trend.js';
import { upstream } from './sections/upstream.js';
import { validators } from './sections/validators.js';
import { variables } from './variables.js';

const SECTIONS: readonly (() => Section)[] = [
  passRates,
  scoreboard,
  latencies,
  validators,
  leadership,
  upstream,
  trend,
  failures,
];

/** Numbers the panels so that one that is added moves only its own section's: links to a panel bear its number. */
function withIds(built: Dashboard): Dashboard {
  let section = 0;
  let place = 0;
  for (const panel of built.panels ?? []) {
    if (panel.type === 'row') {
      section += 1;
      place = 0;
    }
    panel.id = section * 100 + place;
    place += 1;
  }
  return built;
}

export function build(): Dashboard {
  const builder = new DashboardBuilder('28 — Canary Reactor')
    .uid('canary-reactor')
    .description('A canary moves real tokens over the calls that users make and watches what follows. Restarts, takeovers and maintenance are marked.')
    .tags(['canary'])
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('1m')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .variables(variables())
    .annotations(annotations())
    .link(
      new DashboardLinkBuilder('Runbooks')
        .type(DashboardLinkType.Link)
        .url('https://canary.example/docs/runbooks.md')
        .tooltip('What each alert means and what to do')
        .targetBlank(true),
    );
  for (const section of SECTIONS) {
    const { title, panels } = section();
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return withIds(builder.build());
}

/** As it is kept in the repository. */
export function text(): string {
  return `${JSON.stringify(build(), null, 2)}\n`;
}
