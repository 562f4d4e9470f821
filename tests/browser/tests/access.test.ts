// The page for those who use no mouse, read with a screen reader, or want it dark or still.

import { beforeAll, expect, test } from 'vitest'

import { expectAccessible } from '../src/axe'
import { SETTLED_LOST } from '../src/faults'
import { deployed } from '../src/fixture'
import { View, says, thereAre } from '../src/view'
import { until } from '../src/wait'

const deployment = deployed()

beforeAll(async () => {
  await deployment().faults(SETTLED_LOST)
})

interface Focus {
  path: string | undefined
  cycle: string | undefined
  inDrawer: boolean
}

/** What has focus, as far as the tests need to tell it. */
function focused(view: View): Promise<Focus> {
  return view.page.evaluate(() => {
    const found = document.activeElement as HTMLElement | null
    const inDrawer = found?.closest('[data-testid="test-drawer"]') !== null
    return { path: found?.dataset['path'], cycle: found?.dataset['cycle'], inDrawer }
  })
}

test('a cell is reached and opened by keyboard; the drawer keeps focus, and Esc gives it back', async () => {
  const view = await View.open(deployment())
  await thereAre(view.cells('passed', 'a-2pc'), 3)
  const { keyboard } = view.page
  const first = await until('a cell by the tab key', 30, async () => {
    await keyboard.press('Tab')
    const now = await focused(view)
    return now.cycle === undefined ? undefined : now
  })
  await keyboard.press('ArrowDown')
  await keyboard.press('ArrowRight')
  const cell = await focused(view)
  expect(cell).toEqual({ path: 'a-async-b', cycle: String(Number(first.cycle) - 1), inDrawer: false })

  await keyboard.press('Enter')
  await says(view.drawer, new RegExp(`a-async-b[\\s\\S]*${String(cell.cycle)}`))
  expect((await focused(view)).inDrawer).toBe(true)
  for (let presses = 0; presses < 30; presses += 1) {
    await keyboard.press(presses % 3 === 2 ? 'Shift+Tab' : 'Tab')
    // Between its last and its first stop a modal dialog hands focus to the browser's own controls: never to the page.
    const outside = await view.page.evaluate(() => {
      const found = document.activeElement
      return found !== document.body && found?.closest('[data-testid="test-drawer"]') === null
    })
    expect(outside).toBe(false)
  }
  await keyboard.press('Escape')
  await view.drawer.waitFor({ state: 'detached' })
  expect(await focused(view)).toEqual(cell)
})

test('the tab key goes through the page from top to bottom, and shows where it is', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, 1)
  await view.trend.getByText('Data table and marks').or(view.trend.getByText('No test has told')).first().waitFor()
  const blocks = ['hero', 'scoreboard', 'cycle-matrix', 'reactors', 'trend', 'event-log']
  const reached: string[] = []
  for (let presses = 0; presses < 150; presses += 1) {
    await view.page.keyboard.press('Tab')
    const at = await view.page.evaluate((names) => {
      const found = document.activeElement as HTMLElement
      const { outlineStyle, outlineWidth } = getComputedStyle(found)
      return {
        block: names.find((name) => found.closest(`[data-testid="${name}"]`) !== null) ?? null,
        last: found.matches('[data-testid="event-log"] [data-test-id]'),
        marked: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
        what: found.outerHTML.slice(0, 120),
      }
    }, blocks)
    if (at.block === null) continue
    expect(at.marked, at.what).toBe(true)
    if (reached.at(-1) !== at.block) reached.push(at.block)
    if (at.last) break
  }
  expect(reached).toEqual(blocks)
})

test('the panel and the log are worked by keyboard', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, 1)
  await view.aboutToggle.focus()
  await view.page.keyboard.press('Enter')
  await view.about.getByRole('heading').first().waitFor()
  expect(await view.aboutToggle.getAttribute('aria-expanded')).toBe('true')
  await view.page.keyboard.press('Space')
  await view.about.waitFor({ state: 'detached' })

  await view.entries.first().focus()
  await view.page.keyboard.press('Enter')
  await view.drawer.waitFor()
})

test('only the state line is read aloud by itself', async () => {
  const view = await View.open(deployment())
  await thereAre(view.entries, 1)
  const live = view.page.locator('[aria-live]:not([aria-live="off"]), [role="status"], [role="alert"], [role="log"]')
  expect(await live.count()).toBe(1)
  expect(await live.getAttribute('data-testid')).toBe('state-line')
})

test('with reduced motion nothing moves', async () => {
  const view = await View.open(deployment(), { reducedMotion: 'reduce' })
  await thereAre(view.entries, 1)
  await view.entries.first().click()
  await view.drawer.waitFor()
  const moving = await view.page.evaluate(() =>
    [...document.querySelectorAll('*')].flatMap((element) => {
      const { animationName, animationDuration, transitionDuration } = getComputedStyle(element)
      const seconds = (text: string) => Math.max(...text.split(',').map((part) => Number.parseFloat(part)))
      const animated = animationName !== 'none' && seconds(animationDuration) > 0.01
      return animated || seconds(transitionDuration) > 0.01 ? [element.outerHTML.slice(0, 120)] : []
    }),
  )
  expect(moving).toEqual([])
})

test.for(['light', 'dark'] as const)('axe finds nothing serious in %s, with panel and drawer', { timeout: 90_000 }, async (colorScheme) => {
  // With reduced motion nothing is caught half faded in.
  const view = await View.open(deployment(), { colorScheme, reducedMotion: 'reduce' })
  await view.cells('failed').first().waitFor()
  await thereAre(view.entries, 1)
  await thereAre(view.reactors.locator('tr[data-event]'), 5)
  await expectAccessible(view.page, 'the page')

  await view.aboutToggle.click()
  await view.about.getByRole('table').first().waitFor()
  await expectAccessible(view.page, 'the panel')

  await view.cells('failed').first().click()
  await says(view.drawer, /cf_settled/)
  await expectAccessible(view.page, 'the drawer')
  await view.page.keyboard.press('Escape')

  await view.scoreboard.getByRole('button', { name: 'Pause a-intra' }).click()
  await view.page.getByTestId('action-dialog').waitFor()
  await expectAccessible(view.page, 'the dialog')
})

test.for(['light', 'dark'] as const)('the page follows a %s scheme', async (colorScheme) => {
  const view = await View.open(deployment(), { colorScheme })
  await view.hero.waitFor()
  const brightness = await view.page.evaluate(() => {
    const [red = 0, green = 0, blue = 0] = getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? []
    return (red + green + blue) / 3
  })
  if (colorScheme === 'dark') expect(brightness).toBeLessThan(60)
  else expect(brightness).toBeGreaterThan(200)
})
