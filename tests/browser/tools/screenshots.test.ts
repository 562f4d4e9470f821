// The README's pictures: `npm run screenshots`. Real outcomes of some minutes, good and bad, in both schemes. Not among the
// tests, which would change them with each run.

import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

import { LATE_ONCE, SETTLED_LOST } from '../src/faults'
import { deployed } from '../src/fixture'
import { View, says, thereAre } from '../src/view'
import { until } from '../src/wait'

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url))
const WIDTH = 1440
/** Cycles that the matrix is to show. */
const CYCLES = 40

const deployment = deployed({ cadence: { fire_every: '5s', spread: '2s', deadline: '4s' } })

const told = (outcome: string, least: number) =>
  until(`${String(least)} ${outcome}`, 90, async () => {
    return (await deployment().api.results(outcome)).length >= least
  })

const cycles = async () => (await deployment().api.cycles()).cycles.length

test('screenshots', { timeout: 900_000 }, async () => {
  const view = await View.open(deployment(), { allow: [/net::ERR_/, /\b503\b/], viewport: { width: WIDTH, height: 1000 } })
  await told('passed', 6 * 8)
  await deployment().faults(LATE_ONCE)
  await told('late', 1)
  await deployment().faults(SETTLED_LOST)
  await told('failed', 3)
  await deployment().faults()
  await view.act('Pause a-2pc')
  await told('skipped', 3)
  await view.act('Resume a-2pc')
  const before = (await deployment().api.results('passed', 200)).length
  await told('passed', Math.min(200, before + 12))
  await deployment().stop('SIGKILL')
  await deployment().run()
  await told('inconclusive', 1)
  await until('the cycles of the picture', 400, async () => (await cycles()) >= CYCLES)
  await until('a passing canary', 200, async () => (await deployment().api.scoreboard()).state === 'passing')
  await until('a trend', 150, async () => {
    const { paths } = await deployment().api.get<{ paths: { slots: number[] }[] }>('/trend?days=30')
    return paths.every(({ slots }) => slots.some((count) => count > 0))
  })

  // The page that has watched all of it keeps its log; the trend is read again when a page is opened.
  for (const colorScheme of ['light', 'dark'] as const) {
    await view.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await says(view.stateLine, /passing/i, 60)
    await thereAre(view.entries, 20)
    await view.page.screenshot({ path: `${DOCS}console-${colorScheme}.png`, fullPage: true, animations: 'disabled' })
  }
  expect(await view.cells('failed').count()).toBeGreaterThan(0)
})
