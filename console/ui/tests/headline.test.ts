import { expect, test } from 'vitest'

import { type Situation, isStale, stateLine, titleOf } from '../src/logic/headline'
import { worst } from '../src/logic/outcome'
import { clock } from '../src/logic/format'
import { T0, at, board, brief, row, windows } from './make'

const judged = brief()
const failing = board([row({ path: 'a', state: 'failing', last: judged }), row({ path: 'b', last: judged })], { state: 'failing' })
const calm: Situation = { phase: 'in', board: failing, link: 'live', heardAt: T0, trouble: null }

test('the title carries the state and the deployment', () => {
  expect(titleOf(calm)).toBe('● failing – canaries (prod)')
  expect(titleOf({ ...calm, link: 'lost' })).toBe('○ stale – canaries (prod)')
  expect(titleOf({ ...calm, phase: 'out' })).toBe('signed out – canaries')
  expect(titleOf({ ...calm, phase: 'away', board: null })).toBe('○ away – canaries')
})

test('the state line names what does not pass', () => {
  expect(stateLine(calm)).toBe('Failing. 1 of 2 paths pass; failing: a.')
  const fine = board([row({ last: judged }), row({ path: 'q', last: judged })])
  expect(stateLine({ ...calm, board: fine })).toBe('Passing. All 2 paths pass.')
  expect(stateLine({ ...calm, board: board([row()]) })).toBe('Waiting for the first verdict.')
})

test('a lost stream and a failed reading are stale, since their last word', () => {
  const lost = stateLine({ ...calm, link: 'lost' })
  expect(lost).toMatch(/^Stale since \d\d:\d\d:\d\d: the live stream is lost; trying again\. Last known: Failing\./)
  const troubled = { ...calm, trouble: 'The API can’t be reached' }
  expect(stateLine(troubled)).toContain('The API can’t be reached; trying again')
  expect(isStale(troubled)).toBe(true)
  expect(isStale({ ...calm, link: 'connecting' })).toBe(false)
})

test('an answer that rests on an old reading of the ledger is stale since that reading', () => {
  const old = { ...failing, now: at(60) }
  expect(stateLine({ ...calm, board: old })).toContain(`Stale since ${clock(at(0))}: the ledger is away`)
  expect(isStale({ ...calm, board: { ...failing, now: at(20) } })).toBe(false)
})

test('the line stays as it is while nothing happens, for it is read aloud', () => {
  const told = stateLine({ ...calm, link: 'lost' })
  expect(stateLine({ ...calm, link: 'lost', board: { ...failing, next_fire_at: failing.now } })).toBe(told)
})

test('the worst path is the one in the worst state, then the one with the lowest rate of the day', () => {
  const rows = [row({ path: 'fine' }), row({ path: 'bad', state: 'failing' }), row({ path: 'worse', state: 'failing', windows: windows(0.2) }), row({ path: 'off', state: 'paused', windows: windows(0) })]
  expect(worst(rows)?.path).toBe('worse')
  expect(worst([])).toBeNull()
})
