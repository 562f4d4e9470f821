// The state in words: the window's title, and the one line that is read aloud.
import type { PathRow, PathState, Scoreboard } from '../api/types'
import type { Link } from './link'
import { clock } from './format'
import { STATE_MARK, capital } from './outcome'

export type Phase = 'checking' | 'in' | 'out' | 'away' | 'forbidden'

export interface Situation {
  phase: Phase
  board: Scoreboard | null
  link: Link
  /** Server time (ms) of the last word from the stream. */
  heardAt: number | null
  /** Why the scoreboard's last reading failed. */
  trouble: string | null
}

/** An answer may rest on an earlier reading of the ledger; a few seconds of that are its cache. */
const OLD_MS = 30_000
const ledgerIsAway = (board: Scoreboard): boolean => Date.parse(board.now) - Date.parse(board.as_of) > OLD_MS

export const isStale = (now: Situation): boolean => now.phase === 'in' && (now.link === 'lost' || now.trouble !== null || (now.board !== null && ledgerIsAway(now.board)))

export function titleOf(now: Situation): string {
  const place = now.board ? `canaries (${now.board.canary})` : 'canaries'
  switch (now.phase) {
    case 'checking':
      return place
    case 'out':
      return 'signed out – canaries'
    case 'forbidden':
      return 'no access – canaries'
    case 'away':
      return `○ away – ${place}`
    case 'in':
      if (!now.board) return place
      if (isStale(now)) return `○ stale – ${place}`
      return `${STATE_MARK[now.board.state]} ${now.board.state} – ${place}`
  }
}

/** Changes only when the situation does: no ages and no countdowns, or a screen reader would never be quiet. */
export function stateLine(now: Situation): string {
  switch (now.phase) {
    case 'checking':
      return 'Connecting…'
    case 'out':
      return 'Signed out.'
    case 'forbidden':
      return 'No access.'
    case 'away':
      return 'The API can’t be reached; trying again.'
    case 'in':
      break
  }
  if (!now.board) return now.trouble === null ? 'Loading…' : `${now.trouble}; trying again.`
  const told = summary(now.board)
  if (!isStale(now)) return told
  return `${staleSince(now)}: ${now.trouble ?? (now.link === 'lost' ? 'the live stream is lost' : 'the ledger is away')}; trying again. Last known: ${told}`
}

/** With a living stream it is the scoreboard that is old, or the ledger under it. */
function staleSince(now: Situation): string {
  const since = now.link === 'lost' ? now.heardAt : now.board && Date.parse(ledgerIsAway(now.board) ? now.board.as_of : now.board.now)
  return since === null ? 'Stale' : `Stale since ${clock(since)}`
}

function summary(board: Scoreboard): string {
  if (board.paths.length === 0) return 'No paths are configured.'
  if (isNew(board)) return 'Waiting for the first verdict.'
  const named = (state: PathState): PathRow[] => board.paths.filter((row) => row.state === state)
  const parts = (['failing', 'degraded', 'unknown', 'paused'] as const)
    .map((state) => ({ state, rows: named(state) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ state, rows }) => `${state}: ${list(rows.map((row) => row.path))}`)
  const all = board.paths.length
  const fine = named('passing').length
  if (fine === all) return `${capital(board.state)}. ${all === 1 ? 'The path passes' : `All ${all} paths pass`}.`
  return `${capital(board.state)}. ${fine} of ${all} paths pass; ${parts.join('; ')}.`
}

function list(names: string[]): string {
  const shown = names.slice(0, 4).join(', ')
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown
}

/** Nothing has a verdict yet: the first minute. */
export const isNew = (board: Scoreboard): boolean => board.paths.every((row) => row.last === null)
