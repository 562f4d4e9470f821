// What the page shows when there is nothing to show, or nobody to show it to: in words, and within reach of everybody.

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'

import { expectAccessible } from '../src/axe'
import { deployed } from '../src/fixture'
import { OPERATOR, VIEWER } from '../src/token'
import { View, says, titled } from '../src/view'

/** Chromium logs every answer that is an error, and every request that fails. */
const REFUSED = [/status of 40[13]/, /^answered 40[13]: GET/]
const AWAY = [/net::ERR_FAILED/, ...REFUSED]
const API = '**/api/v1/canaries**'

const deployment = deployed({ tokens: [VIEWER, OPERATOR] })

async function expectAccessibleInBoth(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await expectAccessible(page, `${what}, ${colorScheme}`)
  }
}

async function openSignedOut(allow: RegExp[], colorScheme: 'light' | 'dark' = 'light'): Promise<View> {
  const view = await View.open(deployment(), { allow, colorScheme, reducedMotion: 'reduce' })
  await view.signIn.waitFor()
  return view
}

test('the sign-in, also after a wrong token', async () => {
  const view = await openSignedOut([/status of 401/, /^answered 401: (GET|POST) \S+\/session$/])
  await expectAccessibleInBoth(view.page, 'the sign-in')
  await view.signInWith('no-such-token')
  await says(view.signIn, /not known/)
  await expectAccessibleInBoth(view.page, 'the sign-in with its problem')
})

test('an API that is away is told, and the page comes by itself once it is back', async () => {
  const view = await openSignedOut(AWAY)
  await view.page.route(API, (route) => route.abort())
  await view.page.reload()
  await says(view.notice, /The API is away/)
  await titled(view.page, /unreachable|away/)
  await expectAccessibleInBoth(view.page, 'the API away')
  await view.page.unroute(API)
  await view.signIn.waitFor()
})

test('whoever may see nothing is told so', async () => {
  const view = await openSignedOut(REFUSED)
  const problem = { type: 'urn:canary:problem:forbidden', title: 'An operator is needed', status: 403, detail: 'not you' }
  await view.page.route(API, (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem) }),
  )
  await view.page.reload()
  await says(view.notice, /No access/)
  await expectAccessibleInBoth(view.page, 'no access')
})

test.for(['light', 'dark'] as const)('the first minute says what is to come, block by block, in %s', async (colorScheme) => {
  const view = await openSignedOut(REFUSED, colorScheme)
  const { page } = view
  // As the API answers before the first verdict; what is judged meanwhile is kept from the page.
  await page.route('**/stream*', () => undefined)
  await page.route('**/api/v1/canaries', async (route) => {
    const answer = await route.fetch()
    const board = (await answer.json()) as { state: string; paths: Record<string, unknown>[] }
    const none = { passed: 0, late: 0, failed: 0, inconclusive: 0, skipped: 0, missed: 0, pending: 0, pass_rate: null, p50_ms: null, p95_ms: null, p99_ms: null }
    const windows = { '1h': none, '24h': none, '7d': none, '30d': none }
    const paths = board.paths.map((path) => ({ ...path, state: 'unknown', last: null, last_pass_at: null, recent: [], windows }))
    await route.fulfill({ response: answer, json: { ...board, state: 'unknown', paths } })
  })
  await page.route('**/cycles*', async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), cycles: [] } })
  })
  await page.route('**/trend*', async (route) => {
    const answer = await route.fetch()
    const trend = (await answer.json()) as { paths: { told: number[] }[] }
    const paths = trend.paths.map((path) => ({ ...path, told: path.told.map(() => 0) }))
    await route.fulfill({ response: answer, json: { ...trend, paths } })
  })
  await view.signInWith(VIEWER.secret)
  await says(view.hero, /No test has a verdict yet. The next one is fired in/)
  await says(view.scoreboard, /none yet/)
  await says(view.matrix, /No slot has a row yet/)
  await view.trend.scrollIntoViewIfNeeded()
  await says(view.trend, /grows by a point an hour/)
  await says(view.log, /Nothing has been judged since the page opened/)
  expect(await view.entries.count()).toBe(0)
  await expectAccessible(page, 'the first minute')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
})

test.for(['light', 'dark'] as const)('axe finds nothing serious on a viewer’s page in %s', async (colorScheme) => {
  const view = await openSignedOut(REFUSED, colorScheme)
  await view.signInWith(VIEWER.secret)
  await view.scoreboard.locator('tr[data-path]').first().waitFor()
  await view.cells('passed').first().waitFor()
  await expectAccessible(view.page, 'the page of a viewer')
})
