// Accessibility by axe-core, run in the page as it stands.

import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

/** Fails on any finding that is serious or critical, and says which elements it is about. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // Evaluated, not added as a script, which the page's policy would rightly refuse.
  await page.evaluate(axe.source)
  const findings = await page.evaluate(async (tags) => {
    const { axe } = window as unknown as { axe: typeof import('axe-core') }
    const result = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
    return result.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
      )
  }, TAGS)
  expect(findings, what).toEqual([])
}
