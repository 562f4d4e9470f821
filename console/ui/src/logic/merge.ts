// Lays outcomes from the stream over what was read by REST.
//
// The two race: an answer that was on its way when an outcome arrived is older than the outcome. A row's
// `revision` only grows, so the higher one wins in whatever order they come, and merging twice changes nothing.
// What did not change keeps its identity, which is how the matrix knows which of its rows to draw again.
import type { Brief, Cycle, Cycles, PathRow, Scoreboard } from '../api/types'

/** How many of a path's newest results the scoreboard shows. */
export const RECENT = 30

const supersedes = (fresh: Brief, kept: Brief | undefined): boolean =>
  kept === undefined || fresh.test_id !== kept.test_id || fresh.revision > kept.revision

/** Tests that an operator or a probe asked for stay out of the scoreboard and the matrix. */
const isVerdict = (brief: Brief): boolean => brief.origin === 'schedule' && brief.outcome !== 'pending'

export function mergeBoard(board: Scoreboard, briefs: readonly Brief[]): Scoreboard {
  const news = briefs.filter(isVerdict)
  if (news.length === 0) return board
  const paths = board.paths.map((row) => mergeRow(row, news.filter((brief) => brief.path === row.path)))
  return paths.every((row, at) => row === board.paths[at]) ? board : { ...board, paths }
}

function mergeRow(row: PathRow, news: readonly Brief[]): PathRow {
  const known = new Map(row.recent.map((brief) => [brief.test_id, brief]))
  const fresh = news.filter((brief) => supersedes(brief, known.get(brief.test_id)))
  if (fresh.length === 0) return row
  for (const brief of fresh) {
    if (supersedes(brief, known.get(brief.test_id))) known.set(brief.test_id, brief)
  }
  const recent = [...known.values()]
    .sort((a, b) => Date.parse(a.registered_at) - Date.parse(b.registered_at))
    .slice(-RECENT)
  return { ...row, recent, last: recent.at(-1) ?? row.last }
}

/** Lays a fresh reading of some of the span over the whole of it. */
export function mergeCycles(kept: Cycles | null, fresh: Cycles, spanMs: number): Cycles {
  if (!kept || kept.period_ms !== fresh.period_ms || kept.paths.join() !== fresh.paths.join()) return fresh
  const cycles = new Map(kept.cycles.map((cycle) => [cycle.cycle, cycle]))
  for (const cycle of fresh.cycles) {
    const known = cycles.get(cycle.cycle)
    cycles.set(cycle.cycle, known ? mergeSlots(known, Object.values(cycle.slots)) : cycle)
  }
  return { ...kept, cycles: ordered([...cycles.values()], spanMs) }
}

/** Lays outcomes into their slots; a cycle that is newer than all begins a row. */
export function mergeOutcomes(kept: Cycles, briefs: readonly Brief[], spanMs: number): Cycles {
  const cycles = new Map(kept.cycles.map((cycle) => [cycle.cycle, cycle]))
  const oldest = kept.cycles.at(-1)?.cycle ?? -Infinity
  let changed = false
  for (const brief of briefs) {
    if (brief.origin !== 'schedule' || brief.cycle === null || brief.cycle < oldest) continue
    if (!kept.paths.includes(brief.path)) continue
    const at = new Date(brief.cycle * kept.period_ms).toISOString()
    const known = cycles.get(brief.cycle) ?? { cycle: brief.cycle, at, slots: {} }
    const merged = mergeSlots(known, [brief])
    if (merged !== cycles.get(brief.cycle)) changed = true
    cycles.set(brief.cycle, merged)
  }
  return changed ? { ...kept, cycles: ordered([...cycles.values()], spanMs) } : kept
}

function mergeSlots(cycle: Cycle, briefs: readonly Brief[]): Cycle {
  const fresh = briefs.filter((brief) => {
    const known = cycle.slots[brief.path]
    // One slot, one row: another id in it could only be of another deployment's making.
    return known === undefined || brief.revision > known.revision
  })
  if (fresh.length === 0) return cycle
  return { ...cycle, slots: { ...cycle.slots, ...Object.fromEntries(fresh.map((brief) => [brief.path, brief])) } }
}

function ordered(cycles: Cycle[], spanMs: number): Cycle[] {
  cycles.sort((a, b) => b.cycle - a.cycle)
  const newest = cycles[0]
  return newest ? cycles.filter((cycle) => Date.parse(newest.at) - Date.parse(cycle.at) < spanMs) : cycles
}

/** The last outcomes that the stream brought, numbered, for laying over answers that were asked for before them. */
export class Recent {
  private briefs: Brief[] = []
  private count = 0

  constructor(private readonly most = 1_000) {}

  get mark(): number {
    return this.count
  }

  push(brief: Brief): void {
    this.briefs.push(brief)
    this.count += 1
    if (this.briefs.length > this.most) this.briefs.shift()
  }

  /** Those that came since a mark was taken. */
  since(mark: number): Brief[] {
    const fresh = this.count - mark
    return fresh <= 0 ? [] : this.briefs.slice(-fresh)
  }

  clear(): void {
    this.briefs = []
  }
}
