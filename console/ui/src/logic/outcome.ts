// How outcomes, states and the words of a timeline are told apart: by a mark and a name, never by colour alone.
import type { Backend, Outcome, PathState, PathRow } from '../api/types'

export const MARK: Record<Outcome, string> = {
  passed: '✓',
  late: '◷',
  failed: '✕',
  inconclusive: '?',
  skipped: '–',
  missed: '○',
  pending: '…',
}

export const STATE_MARK: Record<PathState, string> = {
  passing: '✓',
  degraded: '◐',
  failing: '●',
  unknown: '?',
  paused: '–',
}

/** Worst first: what an operator should look at. */
const URGENCY: Record<PathState, number> = { failing: 0, degraded: 1, unknown: 2, passing: 3, paused: 4 }

export const BACKEND_NAME: Record<Backend, string> = { intra: 'intra', async: 'async saga', '2pc': '2pc' }

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** A word of the API (`fire_timeout`, `tokens_xfer|cf_settled`) for reading. */
export const words = (code: string): string => code.replaceAll('|', ' or ').replaceAll('_', ' ')

/** The path that most needs a look: by state, then by its pass rate of the day, then in the order of the plan. */
export function worst(paths: PathRow[]): PathRow | null {
  const rank = (row: PathRow): [number, number] => [URGENCY[row.state], row.windows['24h'].pass_rate ?? 1]
  return paths.reduce<PathRow | null>((found, row) => {
    if (!found) return row
    const [state, rate] = rank(row)
    const [foundState, foundRate] = rank(found)
    return state < foundState || (state === foundState && rate < foundRate) ? row : found
  }, null)
}
