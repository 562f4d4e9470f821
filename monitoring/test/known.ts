// Holds what an expression names against the tables of what there is.

import { uses } from '../src/parse.js';

/** What is wrong with an expression: series that nobody writes, labels that they lack. Throws if it does not parse. */
export function unknowns(expr: string, ...tables: ReadonlyMap<string, readonly string[]>[]): string[] {
  return uses(expr).flatMap(({ series, labels }) => {
    const known = tables.map((table) => table.get(series)).find((found) => found !== undefined);
    if (!known) return [`${series} is no series that anybody writes`];
    return [...labels].filter((label) => !known.includes(label)).map((label) => `${series} has no label ${label}`);
  });
}
