import { describe, expect, test } from 'vitest'

import { RECENT, Recent, mergeBoard, mergeCycles, mergeOutcomes } from '../src/logic/merge'
import { T0, board, brief, cycles, row } from './make'

const C = T0 / 60_000
const HOUR = 3_600_000

describe('the scoreboard', () => {
  test('takes a newer verdict as the last one', () => {
    const old = brief({ cycle: C - 1 })
    const merged = mergeBoard(board([row({ recent: [old], last: old })]), [brief({ cycle: C, outcome: 'failed' })])
    expect(merged.paths[0]?.last?.outcome).toBe('failed')
    expect(merged.paths[0]?.recent.map((each) => each.cycle)).toEqual([C - 1, C])
  })

  test('keeps an amendment of an older test in its place', () => {
    const [old, last] = [brief({ cycle: C - 1, outcome: 'failed' }), brief({ cycle: C })]
    const amended = { ...old, outcome: 'late' as const, revision: 2 }
    const merged = mergeBoard(board([row({ recent: [old, last], last })]), [amended])
    expect(merged.paths[0]?.recent.map((each) => each.outcome)).toEqual(['late', 'passed'])
    expect(merged.paths[0]?.last).toBe(last)
  })

  test('is not touched by an older revision, a repeat, a pending row or a test fired by hand', () => {
    const known = brief({ cycle: C, revision: 2 })
    const before = board([row({ recent: [known], last: known })])
    for (const stale of [brief({ cycle: C, revision: 1, outcome: 'failed' }), known, brief({ cycle: C + 1, outcome: 'pending', revision: 0 }), brief({ cycle: null, test_id: 'x', origin: 'fire' })]) {
      expect(mergeBoard(before, [stale])).toBe(before)
    }
  })

  test('holds no more than the newest thirty, whatever the order of arrival', () => {
    const many = Array.from({ length: RECENT + 5 }, (_, n) => brief({ cycle: C + n }))
    const merged = mergeBoard(board([row()]), [...many].reverse())
    expect(merged.paths[0]?.recent).toHaveLength(RECENT)
    expect(merged.paths[0]?.last?.cycle).toBe(C + RECENT + 4)
  })
})

describe('the matrix', () => {
  const pending = brief({ path: 'p', outcome: 'pending', revision: 0 })

  test('is the same whichever of an answer and an outcome comes first', () => {
    const judged = brief({ path: 'p', revision: 1 })
    const read = cycles(['p', 'q'], [{ p: pending }])
    const outcomeFirst = mergeCycles(cycles(['p', 'q'], [{ p: judged }]), read, HOUR)
    const answerFirst = mergeOutcomes(read, [judged], HOUR)
    expect(outcomeFirst.cycles[0]?.slots['p']?.outcome).toBe('passed')
    expect(answerFirst.cycles).toEqual(outcomeFirst.cycles)
  })

  test('begins a row for a cycle that is newer than all, and drops what leaves the span', () => {
    const full = cycles(['p'], Array.from({ length: 60 }, (_, back) => ({ p: brief({ cycle: C - back }) })))
    const merged = mergeOutcomes(full, [brief({ cycle: C + 1 })], HOUR)
    expect(merged.cycles[0]).toMatchObject({ cycle: C + 1, at: new Date((C + 1) * 60_000).toISOString() })
    expect(merged.cycles).toHaveLength(60)
  })

  test('keeps the rows that did not change, so that they are not drawn again', () => {
    const read = cycles(['p', 'q'], [{ p: pending }, { p: brief({ cycle: C - 1 }) }])
    const merged = mergeOutcomes(read, [brief({ path: 'q' })], HOUR)
    expect(merged.cycles[0]).not.toBe(read.cycles[0])
    expect(merged.cycles[1]).toBe(read.cycles[1])
    expect(mergeOutcomes(merged, [brief({ path: 'q' })], HOUR)).toBe(merged)
  })

  test('lays a short reading over a long one without losing the rest', () => {
    const long = cycles(['p'], [{ p: brief() }, { p: brief({ cycle: C - 1 }) }])
    const merged = mergeCycles(long, cycles(['p'], [{}, { p: brief() }], C + 1), HOUR)
    expect(merged.cycles.map((cycle) => cycle.cycle)).toEqual([C + 1, C, C - 1])
    expect(merged.cycles[1]).toBe(long.cycles[0])
  })

  test('shows no tests fired by hand, no unknown paths, nothing older than its span', () => {
    const read = cycles(['p'], [{}])
    const strangers = [brief({ origin: 'fire', cycle: null }), brief({ path: 'gone' }), brief({ cycle: C - 90 })]
    expect(mergeOutcomes(read, strangers, HOUR)).toBe(read)
  })
})

test('outcomes that came while an answer was on its way are known', () => {
  const recent = new Recent(3)
  recent.push(brief({ cycle: 1 }))
  const mark = recent.mark
  expect(recent.since(mark)).toEqual([])
  for (const cycle of [2, 3, 4, 5]) recent.push(brief({ cycle }))
  expect(recent.since(mark).map((each) => each.cycle)).toEqual([3, 4, 5])
})
