// What everybody may see: the status page without a script, its JSON, and the badges.

import { expect, test } from 'vitest'

import { expectAccessible } from '../src/axe'
import { open } from '../src/browser'
import { deployed } from '../src/fixture'
import { OPERATOR } from '../src/token'
import { until } from '../src/wait'

const PATHS = ['a-intra', 'a-async-b', 'b-async-a', 'a-2pc', 'a-2pc-b', 'b-2pc-a']

// With tokens, so that nothing here can be seen thanks to a role.
const deployment = deployed({ tokens: [OPERATOR] })

interface Status {
  state: string
  paths: { path: string; state: string; hour: Record<string, number | string>[] }[]
}

async function status(): Promise<Status> {
  return (await (await fetch(`${deployment().origin}/status.json`)).json()) as Status
}

const allPass = () => until('a passing canary', 40, async () => (await status()).state === 'passing')

test('the status page tells each path in a word, with scripts off', async () => {
  await allPass()
  const page = await open(`${deployment().origin}/status`, { javaScriptEnabled: false })
  const text = (await page.textContent('body')) ?? ''
  for (const path of PATHS) expect(text).toContain(path)
  expect(text).toMatch(/passing/i)
  expect(await page.locator('script').count()).toBe(0)
})

test('the past hour is rolled up into twelve spans a path', async () => {
  await allPass()
  const { paths } = await status()
  expect(paths.map(({ path }) => path)).toEqual(PATHS)
  for (const { hour } of paths) {
    expect(hour.length).toBe(12)
    expect(Number(hour.at(-1)?.['passed']) + Number(hour.at(-2)?.['passed'])).toBeGreaterThan(0)
  }
})

test('nobody learns an id, an amount, a DID or an address', async () => {
  await allPass()
  const [row] = await deployment().api.results('passed', 1)
  const whole = await deployment().api.get<Record<string, string>>(`/results/${row?.test_id ?? ''}`)
  const { test_id = '', transfer_id = '', sender = '', receiver = '' } = whole
  for (const place of ['/status', '/status.json', '/badge/a-intra.svg']) {
    const answer = await fetch(deployment().origin + place)
    expect(answer.headers.get('cache-control')).toMatch(/max-age=15/)
    const text = await answer.text()
    for (const secret of [test_id, transfer_id, sender, receiver, 'did:', '127.0.0.1', '0.01']) {
      expect(secret).not.toBe('')
      expect(text, `${place} holds ${secret}`).not.toContain(secret)
    }
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/)
  }
})

test('a badge is a picture that says the path’s state', async () => {
  await allPass()
  const place = `${deployment().origin}/badge/a-intra.svg`
  const answer = await fetch(place)
  expect(answer.headers.get('content-type')).toMatch(/^image\/svg\+xml/)
  expect(await answer.text()).toMatch(/passing/)
  const page = await open(place)
  const box = await page.locator('svg').first().boundingBox()
  expect(box?.width ?? 0).toBeGreaterThan(50)
})

test.for(['light', 'dark'] as const)('axe finds nothing serious on the status page in %s', async (colorScheme) => {
  await allPass()
  const page = await open(`${deployment().origin}/status`, { colorScheme })
  await expectAccessible(page, 'the status page')
})
