// Chromium, and pages that complain: a test fails on anything that its page logs as an error or warning, throws, asks for
// in vain, or is forbidden by the content security policy, unless the test has named it.

import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

const ARGUMENTS = [
  // Chromium's own sandbox needs rights that root in a container doesn't have; only the canary's own pages are opened.
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--disable-gpu',
]

/** Enough for every test's way; what a test says of time it measures itself. */
const PATIENCE_MS = 20_000

let launched: Promise<Browser> | undefined

/** The one browser of this worker. */
export function browser(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: ARGUMENTS,
  })
  return launched
}

/** To be called once a worker's tests are over. */
export async function closeBrowser(): Promise<void> {
  const running = await launched
  launched = undefined
  await running?.close()
}

export interface Opening extends BrowserContextOptions {
  /** Complaints that belong to the test. */
  allow?: RegExp[]
}

/** Opens a page in a context of its own; closed when the test ends, which fails if there was any complaint. */
export async function open(url: string, { allow = [], ...options }: Opening = {}): Promise<Page> {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints = await listen(page)
  onTestFinished(async () => {
    const unnamed = complaints.filter((complaint) => !allow.some((pattern) => pattern.test(complaint)))
    await context.close()
    expect(unnamed, 'complaints of the page').toEqual([])
  })
  await page.goto(url)
  return page
}

async function listen(page: Page): Promise<string[]> {
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) {
      complaints.push(`console ${message.type()}: ${message.text()} (${message.location().url})`)
    }
  })
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack ?? error.message}`))
  page.on('requestfailed', (request) => {
    // The page's own doing: what is under way when it is left, reloaded or signed out.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return
    complaints.push(`request failed: ${request.method()} ${request.url()} ${request.failure()?.errorText ?? ''}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400) {
      complaints.push(`answered ${String(response.status())}: ${response.request().method()} ${response.url()}`)
    }
  })
  await page.exposeFunction('reportViolation', (what: string) => complaints.push(`policy violated: ${what}`))
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const { reportViolation } = window as unknown as { reportViolation: (what: string) => void }
      reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`)
    })
  })
  return complaints
}
