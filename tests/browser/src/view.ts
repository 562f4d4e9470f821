// The admin page in the words of the tests. Blocks are found by their `data-testid`, parts of them by role and name where
// they have one: what a test can't find by these, a screen reader can't either.

import type { Locator, Page } from 'playwright-core'

import type { Brief } from './api'
import { type Opening, open } from './browser'
import type { Deployment } from './deployment'
import { until } from './wait'

/** Seconds for what comes with the next outcomes. */
const SOON = 20

export class View {
  readonly hero: Locator
  readonly aboutToggle: Locator
  readonly about: Locator
  readonly scoreboard: Locator
  readonly matrix: Locator
  readonly reactors: Locator
  readonly trend: Locator
  readonly log: Locator
  readonly drawer: Locator
  readonly stateLine: Locator
  readonly signIn: Locator
  readonly notice: Locator

  constructor(readonly page: Page) {
    this.hero = page.getByTestId('hero')
    this.aboutToggle = page.getByTestId('about-toggle')
    this.about = page.getByTestId('about-panel')
    this.scoreboard = page.getByTestId('scoreboard')
    this.matrix = page.getByTestId('cycle-matrix')
    this.reactors = page.getByTestId('reactors')
    this.trend = page.getByTestId('trend')
    this.log = page.getByTestId('event-log')
    this.drawer = page.getByTestId('test-drawer')
    this.stateLine = page.getByTestId('state-line')
    this.signIn = page.getByTestId('sign-in')
    this.notice = page.getByTestId('notice')
  }

  static async open(deployment: Deployment, options: Opening = {}): Promise<View> {
    return new View(await open(deployment.page, options))
  }

  row(path: string): Locator {
    return this.scoreboard.locator(`tr[data-path="${path}"]`)
  }

  /** The cells of a path, newest first; of all paths without one. */
  cells(outcome: string, path?: string): Locator {
    const of = path === undefined ? '' : `[data-path="${path}"]`
    return this.matrix.locator(`[data-cycle]${of}[data-outcome="${outcome}"]`)
  }

  /** Of one slot. */
  cell({ path, cycle }: Pick<Brief, 'path' | 'cycle'>): Locator {
    return this.matrix.locator(`[data-cycle="${String(cycle)}"][data-path="${path}"]`)
  }

  /** Of the log, newest first. */
  get entries(): Locator {
    return this.log.locator('[data-test-id]')
  }

  entry(testId: string): Locator {
    return this.log.locator(`[data-test-id="${testId}"]`)
  }

  get badge(): Locator {
    return this.log.getByTestId('event-log-badge')
  }

  get logToggle(): Locator {
    return this.log.getByTestId('event-log-toggle')
  }

  filter(outcome: string): Locator {
    return this.log.locator(`[data-filter="${outcome}"]`)
  }

  /** The log's entries as they are shown now, newest first. */
  shown(): Promise<{ id: string; revision: string; outcome: string; path: string }[]> {
    return this.entries.evaluateAll((found) =>
      found.map((entry) => {
        const { testId = '', revision = '', outcome = '', path = '' } = (entry as HTMLElement).dataset
        return { id: testId, revision, outcome, path }
      }),
    )
  }

  /** Presses the button of an operator's action, and confirms it. */
  async act(name: string): Promise<void> {
    await this.scoreboard.getByRole('button', { name, exact: true }).click()
    await this.page.getByTestId('action-dialog').getByTestId('confirm').click()
  }

  async signInWith(secret: string): Promise<void> {
    await this.signIn.getByLabel('Token').fill(secret)
    await this.signIn.getByRole('button', { name: 'Sign in' }).click()
  }
}

/** Waits until something says what it should. */
export async function says(what: Locator, pattern: RegExp, seconds = SOON): Promise<string> {
  let last: string | null = null
  try {
    return await until(String(pattern), seconds, async () => {
      last = await what.textContent({ timeout: 1_000 }).catch(() => null)
      return last !== null && pattern.test(last) ? last : undefined
    })
  } catch (error) {
    throw new Error(`${String(error)}; ${what.toString()} says ${JSON.stringify(last)}`)
  }
}

/** Waits until there are at least so many. */
export async function thereAre(what: Locator, least: number, seconds = SOON): Promise<void> {
  await until(`${String(least)} of ${what.toString()}`, seconds, async () => (await what.count()) >= least)
}

/** Waits until the window's title is as it should be. */
export async function titled(page: Page, pattern: RegExp, seconds = SOON): Promise<void> {
  await until(`the title ${String(pattern)}`, seconds, async () => pattern.test(await page.title()))
}
