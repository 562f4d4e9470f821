// Signing in, and what each role may do.

import { expect, test } from 'vitest'

import { deployed } from '../src/fixture'
import { OPERATOR, VIEWER } from '../src/token'
import { View, says, thereAre, titled } from '../src/view'
import { until } from '../src/wait'

/** Chromium logs every 401; the page asks once who is signed in. */
const SIGNED_OUT = [/status of 401/, /^answered 401: (GET|POST) \S+\/session$/]
const PATH = 'a-2pc'

const deployment = deployed({ tokens: [VIEWER, OPERATOR] })

async function signedIn(secret: string): Promise<View> {
  const view = await View.open(deployment(), { allow: SIGNED_OUT })
  await view.signIn.waitFor()
  await view.signInWith(secret)
  await view.scoreboard.locator('tr[data-path]').first().waitFor()
  return view
}

test('a page that nobody is signed in to shows nothing but the sign-in', async () => {
  const view = await View.open(deployment(), { allow: SIGNED_OUT })
  await view.signIn.waitFor()
  await titled(view.page, /signed out/)
  expect(await view.scoreboard.count()).toBe(0)
  await view.signInWith('no-such-token')
  await says(view.signIn, /not known/)
  expect(await view.page.context().cookies()).toEqual([])
})

test('the cookie is out of scripts’ reach, and lasts over a reload until signing out', async () => {
  const view = await signedIn(VIEWER.secret)
  const [cookie, ...others] = await view.page.context().cookies()
  expect(others).toEqual([])
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' })
  expect(cookie?.value).not.toContain(VIEWER.secret)

  await view.page.reload()
  await thereAre(view.entries, 1)
  await view.page.getByRole('button', { name: 'Sign out' }).click()
  await view.signIn.waitFor()
  expect(await view.page.context().cookies()).toEqual([])
  await view.page.reload()
  await view.signIn.waitFor()
})

test('a viewer sees everything, and why the actions are off', async () => {
  const view = await signedIn(VIEWER.secret)
  await says(view.page.locator('.who'), /vera\s+viewer/)
  await thereAre(view.entries, 1)
  for (const name of [`Fire ${PATH} now`, `Pause ${PATH}`]) {
    const button = view.scoreboard.getByRole('button', { name, exact: true })
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    expect(await button.getAttribute('aria-description')).toMatch(/operator/)
    await button.click({ force: true })
    expect(await view.page.getByTestId('action-dialog').count()).toBe(0)
  }
})

test('an operator pauses a path, resumes it and fires it', async () => {
  const view = await signedIn(OPERATOR.secret)
  await view.act(`Pause ${PATH}`)
  await view.scoreboard.getByRole('button', { name: `Resume ${PATH}`, exact: true }).waitFor()
  await says(view.row(PATH), /Paused/)
  await says(view.hero.getByTestId('holds'), new RegExp(`Paused ${PATH}.*oskar`))
  await view.cells('skipped', PATH).first().waitFor()
  await view.log.locator(`[data-path="${PATH}"][data-outcome="skipped"]`).first().waitFor()

  await view.act(`Resume ${PATH}`)
  await view.scoreboard.getByRole('button', { name: `Pause ${PATH}`, exact: true }).waitFor()
  const skipped = Number(await view.cells('skipped', PATH).first().getAttribute('data-cycle'))
  await until('a slot that passes after the pause', 20, async () => {
    const cycle = await view.cells('passed', PATH).first().getAttribute('data-cycle')
    return Number(cycle) > skipped
  })

  await view.act(`Fire ${PATH} now`)
  await says(view.drawer, /Passed/)
  const id = /test=([0-9a-f-]{36})/.exec(view.page.url())?.[1] ?? ''
  await view.drawer.getByRole('button', { name: 'Close' }).click()
  await says(view.entry(id).first(), /fire/)
  const { cycles } = await deployment().api.cycles()
  expect(cycles.flatMap(({ slots }) => Object.values(slots)).some(({ test_id }) => test_id === id)).toBe(false)
  const row = await deployment().api.get<{ origin: string; cycle: null }>(`/results/${id}`)
  expect(row).toMatchObject({ origin: 'fire', cycle: null })
}, 90_000)
