import type { Panel } from './panels.js';

/** A row of the dashboard and what is under it. */
export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}
