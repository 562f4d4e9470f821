// The README's pictures: `npm run screenshots`. Real outcomes of some minutes, good and bad, in both schemes. Not among the
// tests, which would change them with each run.

import { fileURLToPath } from 'node:url'

import { test } from 'vitest'

import { LATE_ONCE, SETTLED_LOST } from '../src/faults'
import { deployed } from '../src/fixture'
import { View, says } from '../src/view'
import { until } from '../src/wait'

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url))
const WIDTH = 1440

const deployment = deployed({ cadence: { fire_every: '5s', spread: '2s', deadline: '4s' } })

const told = (outcome: string, least: number) =>
  until(`${String(least)} ${outcome}`, 120, async () => {
    return (await deployment().api.results(outcome, 200)).length >= least
  })

test('screenshots', { timeout: 600_000 }, async () => {
  await told('passed', 6 * 10)
  await until('a trend', 150, async () => {
    const { paths } = await deployment().api.get<{ paths: { slots: number[] }[] }>('/trend?days=30')
    return paths.every(({ slots }) => slots.some((count) => count > 0))
  })
  const view = await View.open(deployment(), { allow: [/net::ERR_/, /\b503\b/], viewport: { width: WIDTH, height: 1000 } })

  // What is under way when the process dies, and never seen again, can't be judged.
  await deployment().faults(SETTLED_LOST)
  await told('pending', 2)
  await deployment().stop('SIGKILL')
  await deployment().run()
  await told('inconclusive', 1)
  await view.act('Pause a-2pc')
  await told('skipped', 2)
  await deployment().faults(LATE_ONCE)
  await told('late', 1)
  await view.act('Resume a-2pc')
  await view.scoreboard.getByRole('button', { name: 'Pause a-2pc', exact: true }).waitFor()
  await deployment().faults(SETTLED_LOST)
  await told('failed', 3)

  for (const outcome of ['passed', 'late', 'failed', 'inconclusive', 'skipped']) {
    await view.cells(outcome).first().waitFor()
    await view.log.locator(`[data-test-id][data-outcome="${outcome}"]`).first().waitFor()
  }
  for (const colorScheme of ['light', 'dark'] as const) {
    await view.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await says(view.stateLine, /failing/i)
    await view.page.screenshot({ path: `${DOCS}console-${colorScheme}.png`, fullPage: true, animations: 'disabled' })
  }
})
