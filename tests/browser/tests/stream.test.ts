// The live stream is lost and comes back: the page says so, and nothing is lost or told twice.

import { expect, test } from 'vitest'

import type { Brief } from '../src/api'
import { expectAccessible } from '../src/axe'
import { deployed } from '../src/fixture'
import { View, says, thereAre, titled } from '../src/view'
import { until } from '../src/wait'

/** What Chromium says of a server that is away, or only just back. */
const AWAY = [/net::ERR_/, /\b503\b/]

const deployment = deployed({ cadence: { fire_every: '4s', spread: '2s' } })

async function judgedAfter(moment: number): Promise<Brief[]> {
  const { results } = await deployment().api.get<{ results: Brief[] }>('/results?limit=200')
  return results.filter(({ judged_at }) => judged_at !== null && Date.parse(judged_at) > moment)
}

test('a page whose server restarts says since when it is stale, and misses and repeats nothing', async () => {
  const view = await View.open(deployment(), { allow: AWAY })
  await thereAre(view.entries, 1)
  const opened = Date.now()
  await thereAre(view.entries, 7)
  await view.page.evaluate(() => {
    ;(window as unknown as { loadedOnce: boolean }).loadedOnce = true
  })

  await deployment().stop()
  await says(view.stateLine, /^Stale since \d/, 30)
  await titled(view.page, /stale/)
  for (const colorScheme of ['light', 'dark'] as const) {
    await view.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await expectAccessible(view.page, `the stale page, ${colorScheme}`)
  }
  const before = await view.shown()
  expect(before.length).toBeGreaterThanOrEqual(7)

  // Back, but out of the page's reach until every path has had more outcomes than a snapshot tells.
  await view.page.route('**/stream*', (route) => route.abort())
  const restarted = Date.now()
  await deployment().run()
  await until('outcomes that the page was not told', 60, async () => (await judgedAfter(restarted)).length >= 18)
  await view.page.unroute('**/stream*')
  await until('a page that is live again', 40, async () => !/stale/i.test((await view.stateLine.textContent()) ?? ''))

  const judged = await judgedAfter(opened)
  await until('an entry for each row judged since', 20, async () => {
    const shown = new Set((await view.shown()).map(({ id }) => id))
    return judged.every(({ test_id }) => shown.has(test_id))
  })
  const shown = (await view.shown()).map(({ id, revision }) => `${id} ${revision}`)
  expect(new Set(shown).size).toBe(shown.length)
  expect(shown).toEqual(expect.arrayContaining(before.map(({ id, revision }) => `${id} ${revision}`)))
  const notReloaded = await view.page.evaluate(() => (window as unknown as { loadedOnce?: boolean }).loadedOnce)
  expect(notReloaded).toBe(true)
}, 120_000)
