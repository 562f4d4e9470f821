// The trend of a canary that has just begun: its first point comes once the judge has rolled its hour up.

import { expect, test } from 'vitest'

import { expectAccessible } from '../src/axe'
import { deployed } from '../src/fixture'
import { View, says, thereAre } from '../src/view'
import { until } from '../src/wait'

interface Trend {
  at: number[]
  paths: { path: string; told: number[] }[]
}

const deployment = deployed({ cadence: { fire_every: '5s' } })

const told = () =>
  until('a trend of verdicts', 150, async () => {
    const { paths } = await deployment().api.get<Trend>('/trend?days=30')
    return paths.every(({ told }) => told.some((count) => count > 0))
  })

test('it draws charts that have their numbers and marks in a table', { timeout: 180_000 }, async () => {
  await told()
  const view = await View.open(deployment())
  await thereAre(view.trend.getByRole('img'), 2)
  await thereAre(view.trend.locator('canvas'), 2)
  await view.trend.getByText('Data table and marks').click()
  const table = view.trend.getByRole('table')
  await says(table, /100\s?%/)
  await says(table, /start/i)
})

test('each path can be chosen, and all together', async () => {
  await told()
  const view = await View.open(deployment())
  const pick = view.trend.getByTestId('trend-path')
  await thereAre(pick.locator('option'), 7)
  await pick.selectOption('b-2pc-a')
  await view.trend.getByRole('img', { name: /^Pass rate of b-2pc-a/ }).waitFor()
  await pick.selectOption({ label: 'All paths' })
  await view.trend.getByRole('img', { name: /^Pass rate of all paths/ }).waitFor()
  expect(await view.trend.getByRole('img').count()).toBe(2)
})

test.for(['light', 'dark'] as const)('axe finds nothing serious in %s, table and all', async (colorScheme) => {
  await told()
  const view = await View.open(deployment(), { colorScheme, reducedMotion: 'reduce' })
  await view.trend.getByText('Data table and marks').click()
  await view.trend.getByRole('table').waitFor()
  await expectAccessible(view.page, 'the page with the trend')
})
