// From navigation to the frame in which all blocks of the page hold their data, on the browser's own clock.

import { browser } from './browser'
import { until } from './wait'

/** How much the page has to show before it counts as filled. */
export interface Filled {
  paths: number
  cells: number
  reactors: number
}

declare global {
  interface Window {
    filledAt?: number
  }
}

/** Opens the page with an empty cache; answers the milliseconds. */
export async function firstPaint(url: string, filled: Filled): Promise<number> {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 900 } })
  try {
    const page = await context.newPage()
    await page.addInitScript(watch, filled)
    await page.goto(url, { waitUntil: 'commit' })
    return await until('all blocks with their data', 30, () => page.evaluate(() => window.filledAt))
  } finally {
    await context.close()
  }
}

/** Runs in the page, before its scripts: looks once a frame, and lets the frame that is right be drawn. */
function watch({ paths, cells, reactors }: Filled): void {
  const count = (selector: string) => document.querySelectorAll(selector).length
  const within = (block: string, selector: string) => count(`[data-testid="${block}"] ${selector}`)
  const isFilled = () =>
    within('hero', '[data-testid="overall-state"]') > 0 &&
    within('scoreboard', 'tr[data-path]') >= paths &&
    within('cycle-matrix', '[data-cycle]:not([data-outcome="none"])') >= cells &&
    within('reactors', 'tr[data-event]') >= reactors &&
    within('trend', 'canvas') >= 2 &&
    count('[data-testid="event-log"]') > 0
  const look = (): void => {
    if (!isFilled()) requestAnimationFrame(look)
    else
      requestAnimationFrame(() => {
        window.filledAt = performance.now()
      })
  }
  requestAnimationFrame(look)
}
