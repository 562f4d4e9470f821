// Writes the dashboard and the reference of metrics. Both files are in the repository, so that nobody needs anything but
// them; tests compare.

import { writeFileSync } from 'node:fs';

import { text } from './dashboard.js';
import { reference } from './reference.js';

writeFileSync(new URL('../grafana/28-canary-reactor.json', import.meta.url), text());
writeFileSync(new URL('../../docs/metrics.md', import.meta.url), reference());
