import { expect, test } from 'vitest'

import { ago, bound, countdown, latency, nextAt, perSecond, percent, runway, span, whole } from '../src/logic/format'
import { T0, at } from './make'

test.each([
  [1, '100 %'],
  [0.99999, '99.99 %'],
  [0.9999, '99.99 %'],
  [0.5, '50.00 %'],
  [0, '0.00 %'],
  [null, '—'],
])('the rate %s is shown as %s: what is not all is never 100 %%', (rate, told) => expect(percent(rate)).toBe(told))

test.each([
  [0.42, '0.4 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [3_214, '3.21 s'],
  [59_994, '59.99 s'],
  [59_996, '59 s'],
  [331_000, '5 m 31 s'],
  [null, '—'],
])('a latency of %s ms is shown as %s', (ms, told) => expect(latency(ms)).toBe(told))

test('spans show their two largest units', () => {
  expect([0, 59_999, 60_000, 3_600_000, 5_460_000, 90_000_000].map(span)).toEqual(['0 s', '59 s', '1 m', '1 h', '1 h 31 m', '1 d 1 h'])
})

test('ages go by the clock that is given, and the future is now', () => {
  expect(ago(at(0), T0 + 59_999)).toBe('59 s ago')
  expect(ago(at(0), T0 + 3_600_000)).toBe('1 h ago')
  expect(ago(at(5), T0)).toBe('just now')
  expect(ago(null, T0)).toBe('—')
})

test('the countdown goes on into the next cycles when no news come', () => {
  expect(countdown(at(60), 60_000, T0 + 59_001)).toBe('1 s')
  expect(countdown(at(60), 60_000, T0 + 61_000)).toBe('59 s')
  expect(nextAt(T0, 60_000, T0 + 180_001)).toBe(T0 + 240_000)
})

test('rates and totals are readable', () => {
  expect([null, 0, 0.25, 3.14, 12_345.6].map(perSecond)).toEqual(['—', '0 /s', '0.25 /s', '3.1 /s', '12\u202f346 /s'])
  expect(whole(1_234_567)).toBe('1\u202f234\u202f567')
})

test('a runway of weeks is told in days, and a short one to the hour', () => {
  expect([null, 90_000, 14 * 86_400 - 1, 14 * 86_400, 250_000_000].map(runway)).toEqual(['—', '1 d 1 h', '13 d 23 h', '14 d', '2\u202f893 d'])
})

test('an error bound is never shown as none', () => {
  expect([null, 0, 0.004, 0.04, 3.216, 12].map(bound)).toEqual(['unknown', 'less than 0.01 ms', 'less than 0.01 ms', '± 0.04 ms', '± 3.22 ms', '± 12 ms'])
})
