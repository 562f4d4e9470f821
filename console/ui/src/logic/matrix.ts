// The matrix's rows as they are drawn, and where the arrow keys lead.
import type { Brief, Cycle, Cycles, Outcome } from '../api/types'
import { clock, latency } from './format'
import { MARK, words } from './outcome'

export interface Cell {
  path: string
  outcome: Outcome | null
  testId: string | null
  mark: string
  short: string
  label: string
}

export interface Row {
  cycle: number
  at: string
  time: string
  cells: Cell[]
}

/** Up to so many paths there is room for latencies beside the marks. */
export const ROOMY = 8

/** A cycle that did not change keeps its row, which is then not drawn again. */
const drawn = new WeakMap<Cycle, { paths: string[]; row: Row }>()

export function rowsOf(cycles: Cycles, most: number): Row[] {
  return begun(cycles.cycles).slice(0, most).map((cycle) => {
    const kept = drawn.get(cycle)
    if (kept && kept.paths === cycles.paths) return kept.row
    const row = rowOf(cycle, cycles.paths)
    drawn.set(cycle, { paths: cycles.paths, row })
    return row
  })
}

/** Without the cycles before the canary's first: they say nothing. */
function begun(cycles: Cycle[]): Cycle[] {
  const first = cycles.findLastIndex((cycle) => Object.keys(cycle.slots).length > 0)
  return first === cycles.length - 1 ? cycles : cycles.slice(0, first + 1)
}

function rowOf(cycle: Cycle, paths: string[]): Row {
  const time = clock(cycle.at)
  return { cycle: cycle.cycle, at: cycle.at, time, cells: paths.map((path) => cellOf(path, time, cycle.slots[path])) }
}

function cellOf(path: string, time: string, brief: Brief | undefined): Cell {
  if (!brief) return { path, outcome: null, testId: null, mark: '·', short: '', label: `${path}, ${time}: no row` }
  const { outcome, test_id: testId } = brief
  const short = brief.total_latency_ms === null ? words(brief.failure_signal ?? '') : latency(brief.total_latency_ms)
  return { path, outcome, testId, mark: MARK[outcome], short, label: `${path}, ${time}: ${tell(brief)}` }
}

/** A result in a few words: `failed, timeout, missing cf settled, 412 ms`. */
export function tell(brief: Brief): string {
  const parts: string[] = [brief.outcome]
  if (brief.failure_signal) parts.push(words(brief.failure_signal))
  if (brief.missing_stages.length > 0) parts.push(`missing ${brief.missing_stages.map(words).join(' and ')}`)
  if (brief.total_latency_ms !== null) parts.push(latency(brief.total_latency_ms))
  return parts.join(', ')
}

export interface Place {
  row: number
  column: number
}

/** Where a key leads from a cell; null if it is none of the matrix's keys. */
export function step(from: Place, key: string, rows: number, columns: number): Place | null {
  const within = (n: number, count: number): number => Math.max(0, Math.min(count - 1, n))
  const to = (row: number, column: number): Place => ({ row: within(row, rows), column: within(column, columns) })
  switch (key) {
    case 'ArrowUp':
      return to(from.row - 1, from.column)
    case 'ArrowDown':
      return to(from.row + 1, from.column)
    case 'ArrowLeft':
      return to(from.row, from.column - 1)
    case 'ArrowRight':
      return to(from.row, from.column + 1)
    case 'Home':
      return to(from.row, 0)
    case 'End':
      return to(from.row, columns - 1)
    case 'PageUp':
      return to(from.row - 10, from.column)
    case 'PageDown':
      return to(from.row + 10, from.column)
    default:
      return null
  }
}

/** How many of the shown results ended in each way. */
export function tally(cycles: Cycles, most: number): Map<Outcome, number> {
  const counted = new Map<Outcome, number>()
  for (const cycle of cycles.cycles.slice(0, most)) {
    for (const brief of Object.values(cycle.slots)) counted.set(brief.outcome, (counted.get(brief.outcome) ?? 0) + 1)
  }
  return counted
}

export const isRoomy = (cycles: Cycles): boolean => cycles.paths.length <= ROOMY
