// The live log's buffer: every distinct outcome since the page opened, newest first, at most 200.
import type { Brief, Outcome } from '../api/types'

export const MOST = 200
/** Keys are remembered for longer than entries, so that nothing comes back once it has left the list. */
const MOST_KEYS = 5_000

export interface Entry {
  key: string
  brief: Brief
}

export interface Log {
  entries: readonly Entry[]
  known: ReadonlySet<string>
  /** Empty: all outcomes. */
  filter: ReadonlySet<Outcome>
  collapsed: boolean
  /** How many that the filter lets through came since the log was collapsed. */
  unseen: number
}

export const emptyLog = (): Log => ({
  entries: [],
  known: new Set(),
  filter: new Set(),
  collapsed: false,
  unseen: 0,
})

/** An amendment of a row is an outcome of its own. */
export const keyOf = (brief: Brief): string => `${brief.test_id}:${brief.revision}`

const passes = (log: Log, outcome: Outcome): boolean => log.filter.size === 0 || log.filter.has(outcome)

export function add(log: Log, brief: Brief): Log {
  const key = keyOf(brief)
  if (brief.outcome === 'pending' || log.known.has(key)) return log
  const known = [...log.known, key]
  return {
    ...log,
    entries: [{ key, brief }, ...log.entries].slice(0, MOST),
    known: new Set(known.slice(-MOST_KEYS)),
    unseen: log.collapsed && passes(log, brief.outcome) ? log.unseen + 1 : log.unseen,
  }
}

export const visible = (log: Log): readonly Entry[] =>
  log.filter.size === 0 ? log.entries : log.entries.filter((entry) => log.filter.has(entry.brief.outcome))

export function counts(log: Log): Record<Outcome, number> {
  const counted: Record<Outcome, number> = {
    passed: 0,
    late: 0,
    failed: 0,
    inconclusive: 0,
    skipped: 0,
    missed: 0,
    pending: 0,
  }
  for (const entry of log.entries) counted[entry.brief.outcome] += 1
  return counted
}

/** Lets an outcome through, or no longer; none chosen means all. */
export function toggleFilter(log: Log, outcome: Outcome | 'all'): Log {
  if (outcome === 'all') return { ...log, filter: new Set() }
  const filter = new Set(log.filter)
  if (!filter.delete(outcome)) filter.add(outcome)
  return { ...log, filter }
}

export const toggleCollapsed = (log: Log): Log => ({ ...log, collapsed: !log.collapsed, unseen: 0 })

/** What the badge says; nothing while the log is open or nothing came. */
export function badge(log: Log): string | null {
  if (!log.collapsed || log.unseen === 0) return null
  return log.unseen > 999 ? '+999' : `+${log.unseen}`
}
