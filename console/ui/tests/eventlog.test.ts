import { expect, test } from 'vitest'

import type { Brief } from '../src/api/types'
import { type Log, MOST, add, badge, counts, emptyLog, toggleCollapsed, toggleFilter, visible } from '../src/logic/eventlog'
import { brief } from './make'

const fill = (log: Log, briefs: Brief[]): Log => briefs.reduce(add, log)
const many = (count: number): Brief[] => Array.from({ length: count }, (_, n) => brief({ test_id: `t${n}` }))

test('the newest stands first, and no more than 200 stay', () => {
  const log = fill(emptyLog(), many(MOST + 30))
  expect(log.entries).toHaveLength(200)
  expect(log.entries[0]?.brief.test_id).toBe('t229')
  expect(log.entries.at(-1)?.brief.test_id).toBe('t30')
})

test('an outcome is shown once, an amendment of it once more', () => {
  const log = fill(emptyLog(), [brief(), brief(), brief({ revision: 2, outcome: 'late' }), brief({ revision: 2, outcome: 'late' })])
  expect(log.entries.map((entry) => entry.brief.outcome)).toEqual(['late', 'passed'])
})

test('what has left the list does not come back', () => {
  const log = fill(emptyLog(), many(MOST + 1))
  expect(add(log, brief({ test_id: 't0' }))).toBe(log)
})

test('what is pending has no outcome yet', () => {
  expect(add(emptyLog(), brief({ outcome: 'pending', revision: 0 })).entries).toHaveLength(0)
})

test('a filter shows the chosen outcomes, and all again when none is chosen', () => {
  let log = fill(emptyLog(), [brief({ test_id: 'a' }), brief({ test_id: 'b', outcome: 'failed' }), brief({ test_id: 'c', outcome: 'late' })])
  log = toggleFilter(toggleFilter(log, 'failed'), 'late')
  expect(visible(log).map((entry) => entry.brief.test_id)).toEqual(['c', 'b'])
  expect(visible(toggleFilter(toggleFilter(log, 'failed'), 'late'))).toHaveLength(3)
  expect(visible(toggleFilter(log, 'all'))).toHaveLength(3)
  expect(counts(log)).toMatchObject({ passed: 1, failed: 1, late: 1, missed: 0 })
})

test('a collapsed log counts what comes, and forgets it when it opens', () => {
  let log = toggleCollapsed(fill(emptyLog(), many(3)))
  expect(badge(log)).toBeNull()
  log = fill(log, [brief({ test_id: 'x' }), brief({ test_id: 'x' }), brief({ test_id: 'y' })])
  expect(badge(log)).toBe('+2')
  log = toggleCollapsed(log)
  expect(badge(log)).toBeNull()
  expect(badge(toggleCollapsed(log))).toBeNull()
})

test('the badge counts what the filter lets through, and ends at 999', () => {
  const log = toggleCollapsed(toggleFilter(emptyLog(), 'failed'))
  expect(badge(fill(log, [...many(4), brief({ test_id: 'f', outcome: 'failed' })]))).toBe('+1')
  expect(badge(fill(toggleCollapsed(emptyLog()), many(1_200)))).toBe('+999')
})
