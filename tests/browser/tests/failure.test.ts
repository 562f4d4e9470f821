// The platform breaks: from the verdict to the page, and to the phase that broke.

import { expect, test } from 'vitest'

import { SETTLED_LOST } from '../src/faults'
import { deployed } from '../src/fixture'
import { View, says, thereAre, titled } from '../src/view'
import { until } from '../src/wait'

/** From a verdict to the page (issue 3). */
const SEEN_WITHIN_MS = 10_000

const deployment = deployed({ cadence: { deadline: '3s' } })

test('a lost settlement is seen within ten seconds of its verdict, and named', async () => {
  const view = await View.open(deployment())
  for (const path of ['a-intra', 'a-async-b']) await view.cells('passed', path).first().waitFor()
  await deployment().faults(SETTLED_LOST)

  const failed = await until('a failed row', 30, async () => (await deployment().api.results('failed'))[0])
  await view.entry(failed.test_id).first().waitFor()
  await view.cell(failed).and(view.cells('failed')).waitFor()
  expect(Date.now() - Date.parse(failed.judged_at ?? '')).toBeLessThan(SEEN_WITHIN_MS)

  expect(failed).toMatchObject({ failure_signal: 'timeout', missing_stages: ['cf_settled'] })
  await says(view.entry(failed.test_id).first(), /Failed.*timeout.*cf settled/)
  await view.cell(failed).click()
  await says(view.drawer.getByTestId('verdict'), /Failed.*timeout[\s\S]*Missing: cf_settled/)
  const timeline = (await view.drawer.getByRole('listitem').allTextContents()).join('\n')
  expect(timeline).toContain('cf_initiated')
  expect(timeline).toContain('Deadline')
})

test('the state follows: the hero, the path’s row and the window’s title', async () => {
  await deployment().faults(SETTLED_LOST)
  const view = await View.open(deployment())
  await says(view.row('a-async-b'), /Failing/, 30)
  await says(view.row('a-intra'), /Passing/)
  await says(view.hero.getByTestId('overall-state'), /Failing/)
  await titled(view.page, /failing/)
  await says(view.stateLine, /failing.*a-async-b/i)
})

test('the log is filtered by outcome', async () => {
  await deployment().faults(SETTLED_LOST)
  const view = await View.open(deployment())
  await view.log.locator('[data-outcome="failed"][data-test-id]').first().waitFor()
  await view.log.locator('[data-outcome="passed"][data-test-id]').first().waitFor()
  const outcomes = async () => new Set((await view.shown()).map(({ outcome }) => outcome))

  await view.filter('failed').click()
  expect(await view.filter('failed').getAttribute('aria-pressed')).toBe('true')
  expect(await outcomes()).toEqual(new Set(['failed']))
  const before = await view.entries.count()
  await thereAre(view.entries, before + 1)
  expect(await outcomes()).toEqual(new Set(['failed']))

  await view.filter('passed').click()
  expect(await outcomes()).toEqual(new Set(['failed', 'passed']))
  await view.filter('failed').click()
  expect(await outcomes()).toEqual(new Set(['passed']))
  await view.filter('all').click()
  expect(await outcomes()).toEqual(new Set(['failed', 'passed']))
})
