import { describe, expect, test } from 'vitest'

import type { Result, Trend } from '../src/api/types'
import { retryAfter } from '../src/logic/link'
import { requestOf } from '../src/logic/maintenance'
import { isRoomy, rowsOf, step, tally, tell } from '../src/logic/matrix'
import { byEvent, freshness, rated } from '../src/logic/rates'
import { sparkline } from '../src/logic/sparkline'
import { linesOf } from '../src/logic/timeline'
import { ALL, chosen, edges, isEmpty, rateFloor, sinceFirst, tableOf } from '../src/logic/trend'
import { T0, at, brief, cycles, reactor } from './make'

describe('reactors', () => {
  const before = { now: at(0), board: 'available' as const, reactors: [reactor({ events_total: 100 })] }

  test('have a rate after two readings, by the server’s clock', () => {
    expect(rated(null, before)[0]?.rate).toBeNull()
    expect(rated(before, { now: at(5), board: 'available', reactors: [reactor({ events_total: 350 })] })[0]?.rate).toBe(50)
  })

  test('that began anew have an unknown rate, never a negative one', () => {
    expect(rated(before, { now: at(5), board: 'available', reactors: [reactor({ events_total: 3 })] })[0]?.rate).toBeNull()
    expect(rated(before, { now: at(0), board: 'available', reactors: [reactor()] })[0]?.rate).toBeNull()
  })

  test('of several instances stand together by event', () => {
    const groups = byEvent(rated(null, { now: at(0), board: 'available', reactors: [reactor(), reactor({ event_type: 'X' }), reactor({ node: 'n2' })] }))
    expect(groups.map((group) => [group.event, group.nodes.length])).toEqual([['TokensTransferred', 2], ['X', 1]])
  })

  test('are blind once they are cut or have covered nothing for half a minute', () => {
    expect(freshness(reactor(), T0)).toBe('fresh')
    expect(freshness(reactor({ covered_until: at(-20) }), T0)).toBe('behind')
    expect(freshness(reactor({ covered_until: at(-31) }), T0)).toBe('blind')
    expect(freshness(reactor({ connected: false }), T0)).toBe('blind')
  })
})

describe('the matrix', () => {
  test('draws a cycle again only when it changed', () => {
    const read = cycles(['p', 'q'], [{ p: brief({ outcome: 'failed', failure_signal: 'fire_timeout', total_latency_ms: null }) }, { p: brief() }])
    const first = rowsOf(read, 60)
    expect(first[0]?.cells.map((cell) => [cell.outcome, cell.mark, cell.short])).toEqual([['failed', '✕', 'fire timeout'], [null, '·', '']])
    expect(rowsOf({ ...read }, 60)[1]).toBe(first[1])
    expect(isRoomy(read)).toBe(true)
  })

  test('leaves out the cycles before the first', () => {
    expect(rowsOf(cycles(['p'], [{ p: brief() }, {}, { p: brief() }, {}, {}]), 60)).toHaveLength(3)
    expect(rowsOf(cycles(['p'], [{}, {}]), 60)).toHaveLength(0)
  })

  test('says a result in words', () => {
    expect(tell(brief({ outcome: 'failed', failure_signal: 'timeout', missing_stages: ['tokens_xfer|cf_settled'], total_latency_ms: null }))).toBe('failed, timeout, missing tokens xfer or cf settled')
    expect(tally(cycles(['p'], [{ p: brief() }, { p: brief() }]), 1).get('passed')).toBe(1)
  })

  test('is walked by the arrow keys and not left by them', () => {
    const here = { row: 0, column: 1 }
    expect(step(here, 'ArrowUp', 5, 3)).toEqual(here)
    expect(step(here, 'ArrowDown', 5, 3)).toEqual({ row: 1, column: 1 })
    expect(step(here, 'End', 5, 3)).toEqual({ row: 0, column: 2 })
    expect(step(here, 'PageDown', 5, 3)).toEqual({ row: 4, column: 1 })
    expect(step(here, 'Enter', 5, 3)).toBeNull()
  })
})

describe('the trend', () => {
  const trend: Trend = {
    days: 1,
    step_ms: 3_600_000,
    at: [T0, T0 + 3_600_000],
    paths: [
      { path: 'p', backend: 'intra', pass_rate: [1, null], p50_ms: [10, null], p95_ms: [20, null], p99_ms: [30, null], slots: [60, 0], told: [30, 0] },
      { path: 'q', backend: '2pc', pass_rate: [0.5, 0.9], p50_ms: [40, 50], p95_ms: [1, 2], p99_ms: [3, 4], slots: [60, 60], told: [10, 60] },
    ],
    marks: [{ at: at(1_800), kind: 'leader_change', text: 'runner leads in term 2', node: 'n1' }],
  }

  test('of all paths weighs rates by what could tell and shows the slowest path', () => {
    const all = chosen(trend, ALL)
    expect(all?.passRate).toEqual([0.875, 0.9])
    expect(all?.p50).toEqual([40, 50])
    expect(all?.p95).toEqual([20, 2])
    expect(chosen(trend, 'gone')).toBeNull()
  })

  test('as a table is newest first, without hours of which nothing is known', () => {
    const rows = tableOf(trend, chosen(trend, 'p') as NonNullable<ReturnType<typeof chosen>>)
    expect(rows).toEqual([{ at: T0, passRate: 1, p50: 10, p95: 20, p99: 30, slots: 60, marks: ['runner leads in term 2'] }])
  })

  test('keeps small dips visible and big ones inside', () => {
    expect([[1, 0.995], [0.97], [0.2], [null], []].map(rateFloor)).toEqual([0.99, 0.95, 0, 0.99, 0.99])
  })

  test('is empty until something has told, whatever waits or was not fired', () => {
    const waiting = trend.paths.map((path) => ({ ...path, told: path.told.map(() => 0) }))
    expect(isEmpty({ ...trend, paths: waiting })).toBe(true)
    expect(isEmpty(trend)).toBe(false)
  })

  test('of a young deployment begins with its first hour, and shows a day at least', () => {
    const begun = (first: number): Trend => {
      const of = <T>(then: T, before: T): T[] => Array.from({ length: 100 }, (_, hour) => (hour < first ? before : then))
      const path = { path: 'p', backend: 'intra', pass_rate: of(1, null), p50_ms: of(1, null), p95_ms: of(2, null), p99_ms: of(3, null), slots: of(60, 0), told: of(60, 0) } as const
      return { ...trend, at: Array.from({ length: 100 }, (_, hour) => T0 + hour * 3_600_000), paths: [{ ...path }] }
    }
    const lengths = (known: Trend): number[] => [known.at.length, known.paths[0]?.slots.length ?? 0, known.paths[0]?.p99_ms.length ?? 0]
    expect([0, 40, 98, 100].map((first) => lengths(sinceFirst(begun(first))))).toEqual([[100, 100, 100], [60, 60, 60], [24, 24, 24], [100, 100, 100]])
    expect(sinceFirst(begun(40)).at[0]).toBe(T0 + 40 * 3_600_000)
  })

  test('is drawn to the end of its last hour, so that marks within it are in sight', () => {
    const of = (at: number[]) => edges({ ...trend, step_ms: 3_600_000, at })
    expect(of([T0, T0 + 3_600_000])).toEqual([T0, T0 + 3_600_000, T0 + 7_200_000])
    expect(of([])).toEqual([])
  })
})

test('a sparkline breaks where a latency is missing and marks what did not pass', () => {
  const drawn = sparkline([brief(), brief({ outcome: 'failed', total_latency_ms: null }), brief(), brief({ outcome: 'late', total_latency_ms: 9_000 })], 100, 20, 30)
  expect(drawn.line.match(/M/g)).toHaveLength(2)
  expect(drawn.dots.map((dot) => dot.outcome)).toEqual(['failed', 'late'])
  expect(drawn.line + JSON.stringify(sparkline([], 100, 20, 30))).not.toContain('NaN')
})

test('a timeline counts microseconds', () => {
  const result = { fired_at: '2026-11-21T01:00:00.006100Z', timeline: [{ at: '2026-11-21T01:00:00.008300Z', what: 'tokens_xfer', via: 'live' }] } as unknown as Result
  expect(linesOf(result)[0]?.offset).toBe('+2.2 ms')
})

test('a timeline counts from firing, before it too', () => {
  const result = { fired_at: at(1), timeline: [{ at: at(0.96), what: 'registered', via: null }, { at: at(1), what: 'fired', via: null }, { at: at(1.3), what: 'tokens_xfer', via: 'live' }, { at: at(2), what: 'new_word', via: null }] } as unknown as Result
  expect(linesOf(result).map((line) => [line.name, line.offset, line.via])).toEqual([['Registered', '−40 ms', null], ['Fired', '0', null], ['tokens_xfer', '+300 ms', 'live'], ['new_word', '+1.00 s', null]])
})

describe('a maintenance window', () => {
  const draft = { from: '2026-11-21T02:00', to: '2026-11-21T03:00', paths: ['p'], reason: ' upgrade ' }
  const now = Date.parse('2026-11-21T01:30')

  test('of all paths names none', () => {
    expect(requestOf(draft, 1, now)).toEqual({ from: new Date(draft.from).toISOString(), to: new Date(draft.to).toISOString(), reason: 'upgrade' })
    expect(requestOf(draft, 2, now)).toMatchObject({ paths: ['p'] })
  })

  test.each([
    [{ to: draft.from }, 'after the beginning'],
    [{ from: '' }, 'beginning and an end'],
    [{ from: '2026-11-20T01:00', to: '2026-11-20T02:00' }, 'in the past'],
    [{ to: '2027-02-01T00:00' }, '30 days'],
    [{ paths: [] }, 'one path'],
    [{ reason: ' ' }, 'Say why'],
  ])('is refused with what is wrong: %o', (wrong, told) => expect(requestOf({ ...draft, ...wrong }, 1, now)).toContain(told))
})

test('tries to reconnect are spread out', () => {
  expect([retryAfter(0, 0), retryAfter(0, 1), retryAfter(50, 1)]).toEqual([500, 1_000, 10_000])
})
