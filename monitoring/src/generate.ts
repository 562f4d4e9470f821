// Writes the dashboard. The file is in the repository, so that Grafana needs nothing but it; a test compares the two.

import { writeFileSync } from 'node:fs';

import { text } from './dashboard.js';

const file = new URL('../grafana/28-canary-reactor.json', import.meta.url);
writeFileSync(file, text());
