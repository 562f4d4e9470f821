// The live event log under load: eighteen outcomes a second.

import { expect, test } from 'vitest'

import { deployed } from '../src/fixture'
import { View, says, thereAre } from '../src/view'
import { until } from '../src/wait'

const MOST = 200

const deployment = deployed({ cadence: { fire_every: '1s', spread: '500ms' }, morePaths: 12 })

test('a collapsed log counts what it gets, and shows all of it when it is opened', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, 1)
  const before = await view.entries.count()
  await view.logToggle.click()
  const first = Number(/\+(\d+)/.exec(await says(view.badge, /^\+\d+$/))?.[1])
  const more = await until('a badge that counts on', 20, async () => {
    const now = Number((await view.badge.textContent())?.slice(1))
    return now > first ? now : undefined
  })
  expect(await view.filter('all').count()).toBe(0)
  await view.logToggle.click()
  await view.badge.waitFor({ state: 'detached' })
  expect(await view.entries.count()).toBeGreaterThanOrEqual(before + more)
})

test('the newest two hundred are kept, each once and newest first', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, MOST, 60)
  const full = await view.shown()
  const newest = full[0]?.id
  await until('a newer entry', 20, async () => (await view.shown())[0]?.id !== newest)
  await until('the oldest gone', 20, async () => !(await view.shown()).some(({ id }) => id === full.at(-1)?.id))

  const shown = await view.shown()
  expect(shown.length).toBe(MOST)
  expect(new Set(shown.map(({ id, revision }) => `${id} ${revision}`)).size).toBe(MOST)
  const at = shown.findIndex(({ id }) => id === newest)
  expect(shown.slice(at, at + 50).map(({ id }) => id)).toEqual(full.slice(0, 50).map(({ id }) => id))
  await says(view.filter('all'), /200/)
}, 120_000)

test('without auto-tail the list stands still under the reader’s eyes', async () => {
  const view = await View.open(deployment())
  const list = view.log.getByRole('list', { name: /newest first/ })
  await until('a list longer than its box', 30, () => list.evaluate((box) => box.scrollHeight > box.clientHeight + 200))
  await view.log.getByTestId('auto-tail').uncheck()
  await list.evaluate((box) => {
    box.scrollTop = 100
  })
  const read = await list.evaluate((box) => {
    const top = box.getBoundingClientRect().top
    const entry = [...box.querySelectorAll<HTMLElement>('[data-test-id]')].find(
      (found) => found.getBoundingClientRect().top >= top,
    )
    return { id: entry?.dataset['testId'] ?? '', at: entry?.getBoundingClientRect().top ?? 0 }
  })
  const count = await view.entries.count()
  await thereAre(view.entries, count + 6)
  const now = await view.entry(read.id).first().evaluate((entry) => entry.getBoundingClientRect().top)
  expect(Math.abs(now - read.at)).toBeLessThan(2)

  await view.log.getByTestId('auto-tail').check()
  await until('the newest in sight', 10, () => list.evaluate((box) => box.scrollTop === 0))
})
