// The live stream is lost and comes back: the page says so, and nothing is lost or told twice.

import { expect, test } from 'vitest'

import type { Brief } from '../src/api'
import { deployed } from '../src/fixture'
import { View, says, thereAre, titled } from '../src/view'
import { until } from '../src/wait'

/** What Chromium says of a server that is away. */
const AWAY = [/net::ERR_/, /EventSource/]

const deployment = deployed({ cadence: { fire_every: '4s', spread: '2s' } })

test('a page whose server restarts says since when it is stale, and misses and repeats nothing', async () => {
  const view = await View.open(deployment(), { allow: AWAY })
  await view.log.waitFor()
  await says(view.stateLine, /passing|degraded|Waiting/i)
  const opened = Date.now()
  await thereAre(view.entries, 6)
  await view.page.evaluate(() => {
    ;(window as unknown as { before: boolean }).before = true
  })

  await deployment().stop()
  await says(view.stateLine, /^Stale since \d/, 30)
  await titled(view.page, /stale/)
  expect(await view.entries.count()).toBeGreaterThanOrEqual(6)

  await deployment().run()
  await until('a page that is live again', 40, async () => !/stale/i.test((await view.stateLine.textContent()) ?? ''))
  const count = await view.entries.count()
  await thereAre(view.entries, count + 6)
  expect(await view.page.evaluate(() => (window as unknown as { before?: boolean }).before)).toBe(true)

  const rows = (await deployment().api.get<{ results: Brief[] }>('/results?limit=200')).results
  const judged = rows.filter(({ judged_at }) => judged_at !== null && Date.parse(judged_at) > opened)
  expect(judged.length).toBeGreaterThanOrEqual(12)
  await until('an entry for each row judged since', 20, async () => {
    const shown = new Set((await view.shown()).map(({ id }) => id))
    return judged.every(({ test_id }) => shown.has(test_id))
  })
  const shown = (await view.shown()).map(({ id, revision }) => `${id} ${revision}`)
  expect(new Set(shown).size).toBe(shown.length)
}, 120_000)
