// Runs the monitoring servers' own tools.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { ROOT } from './rules.js';

const INSTALL = 'on Debian: apt-get install prometheus prometheus-alertmanager victoria-metrics';

/** Runs a tool in this folder; answers its output. Throws with all it said if it fails. */
export function run(tool: string, ...args: string[]): string {
  const { error, status, stdout, stderr } = spawnSync(tool, args, { cwd: fileURLToPath(ROOT), encoding: 'utf8' });
  if (error) throw new Error(`${tool} can't be run (${error.message}); ${INSTALL}`);
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')} exited ${status}\n${stdout}${stderr}`);
  return stdout;
}
