// What each block shows of a healthy canary, against what the API says.

import { expect, test } from 'vitest'

import { deployed } from '../src/fixture'
import { View, says, thereAre, titled } from '../src/view'

const PATHS = ['a-intra', 'a-async-b', 'b-async-a', 'a-2pc', 'a-2pc-b', 'b-2pc-a']
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const deployment = deployed()

test('the page fills by itself with the first outcomes', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, PATHS.length)
  for (const path of PATHS) await view.cells('passed', path).first().waitFor()
  await says(view.hero.getByTestId('overall-state'), /^Passing$/)
  await titled(view.page, /passing/)
})

test('it is served under the strict policy', async () => {
  const answer = await fetch(`${deployment().origin}/ui`)
  expect(answer.headers.get('content-security-policy')).toBe(POLICY)
  const root = await fetch(deployment().origin, { redirect: 'manual' })
  expect(root.headers.get('location')).toBe('/ui#/admin/canaries')
})

test('the hero tells rates, latencies, the next fire and who leads', async () => {
  const view = await View.open(deployment())
  const tile = (name: string) => view.hero.locator('dl > div', { has: view.page.getByText(name, { exact: true }) })
  await says(tile('Pass rate, 1 h'), /100\s?%/)
  for (const name of ['24 h', '30 d']) await says(tile(name), /\d\s?%/)
  for (const name of ['Median, 1 h', 'p95, 1 h']) await says(tile(name), /\d\s?m?s/)
  await says(tile('Next fire'), /\d\s?s|now/)
  for (const name of ['Runner leads', 'Judge leads']) await says(tile(name), /term \d+/)
})

test('the i beside the title opens six blocks in the words of the API', async () => {
  const view = await View.open(deployment())
  await view.aboutToggle.click()
  await view.about.getByRole('heading').first().waitFor()
  const { blocks } = await deployment().api.about()
  expect(await view.about.getByRole('heading').allTextContents()).toEqual(blocks.map(({ title }) => title))
  expect(blocks.map(({ id }) => id)).toEqual([
    'path_matrix',
    'fire_cadence',
    'validation_pipeline',
    'failure_semantics',
    'observability_surface',
    'source_files',
  ])
  for (const { id, rows } of blocks) {
    const shown = view.about.locator(`[data-block="${id}"] tbody tr`)
    expect(await shown.count(), id).toBe(rows.length)
    expect(rows.length, id).toBeGreaterThan(0)
  }
  await view.aboutToggle.click()
  await view.about.waitFor({ state: 'detached' })
})

test('the scoreboard has a row a path, with its agent’s balance', async () => {
  const view = await View.open(deployment())
  await says(view.row('a-intra'), /Passing[\s\S]*Passed[\s\S]*100\s?%/)
  const { paths } = await deployment().api.scoreboard()
  expect(paths.map(({ path }) => path)).toEqual(PATHS)
  const rows = view.scoreboard.locator('tr[data-path]')
  expect(await rows.evaluateAll((all) => all.map((row) => (row as HTMLElement).dataset['path']))).toEqual(PATHS)
  for (const { path, agent } of paths) {
    const shown = await says(view.row(path), new RegExp(`${agent.name} \\d`))
    expect(shown).not.toContain('unknown')
  }
})

test('the matrix shows each slot as the ledger has it', async () => {
  const view = await View.open(deployment())
  await thereAre(view.cells('passed'), 2 * PATHS.length)
  const { cycles } = await deployment().api.cycles()
  const judged = cycles.flatMap(({ slots }) => Object.values(slots)).filter(({ outcome }) => outcome !== 'pending')
  expect(judged.length).toBeGreaterThan(0)
  for (const slot of judged.slice(0, 30)) await view.cell(slot).and(view.cells(slot.outcome, slot.path)).waitFor()
})

test('five reactors are connected and have seen what the paths made', async () => {
  const view = await View.open(deployment())
  await thereAre(view.reactors.locator('tr[data-event][data-connected="true"]'), 5)
  expect(await view.reactors.locator('tr[data-event]').count()).toBe(5)
  await says(view.reactors.locator('tr[data-event="TokensTransferred"]'), /connected.*[1-9]/)
})

test('every table has a caption', async () => {
  const view = await View.open(deployment())
  await thereAre(view.cells('passed'), 1)
  await view.aboutToggle.click()
  await view.about.getByRole('table').first().waitFor()
  const without = view.page.locator('table:not(:has(> caption))')
  expect(await without.count()).toBe(0)
})

test('a cell opens its test, with each stage and its moment, at an address of its own', async () => {
  const view = await View.open(deployment())
  const path = 'a-async-b'
  await view.cells('passed', path).first().waitFor()
  const cycle = Number(await view.cells('passed', path).first().getAttribute('data-cycle'))
  const { cycles } = await deployment().api.cycles()
  const id = cycles.find((one) => one.cycle === cycle)?.slots[path]?.test_id ?? 'no row'
  await view.cell({ path, cycle }).click()
  await says(view.drawer.getByTestId('verdict'), /Passed/)
  const timeline = view.drawer.getByRole('listitem')
  const told = (await timeline.allTextContents()).join('\n')
  for (const what of ['Fired', 'Accepted', 'tokens_xfer', 'cf_initiated', 'cf_settled', 'Judged', 'Deadline']) {
    expect(told).toContain(what)
  }
  await says(view.drawer, new RegExp(id))

  await view.page.reload()
  await says(view.drawer, new RegExp(id))
  await view.drawer.getByRole('button', { name: 'Close' }).click()
  await view.drawer.waitFor({ state: 'detached' })
  expect(view.page.url()).not.toContain(id)
})
