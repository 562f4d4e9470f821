// Reads the tokens as they are and holds every text colour against every surface that it stands on.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const css = readFileSync(new URL('../src/styles/tokens.css', import.meta.url), 'utf8')
const [light = '', dark = ''] = css.split('@media')
const tokens = (text: string): Map<string, string> => new Map([...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]))
const OUTCOMES = ['passed', 'late', 'failed', 'inconclusive', 'skipped', 'missed', 'pending']
const SURFACES = ['page', 'surface', 'raised']
const PAIRS: [string, string][] = [
  ...SURFACES.flatMap((surface): [string, string][] => [['text', surface], ['muted', surface], ['accent', surface], ...OUTCOMES.map((outcome): [string, string] => [outcome, surface])]),
  ...OUTCOMES.flatMap((outcome): [string, string][] => [[outcome, `${outcome}-soft`], ['text', `${outcome}-soft`]]),
  ['accent', 'accent-soft'],
  ['text', 'accent-soft'],
  ['on-accent', 'accent'],
]

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((start) => {
    const share = Number.parseInt(hex.slice(start, start + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

test.each([['light', light], ['dark', dark]])('every text can be read in the %s scheme', (_, text) => {
  const known = tokens(text)
  const poor = PAIRS.map(([ink, paper]) => {
    const [a, b] = [ink, paper].map((name) => luminance(known.get(name) ?? expect.fail(`${name} is no colour`)))
    const ratio = (Math.max(a ?? 0, b ?? 0) + 0.05) / (Math.min(a ?? 0, b ?? 0) + 0.05)
    return { ink, paper, ratio }
  }).filter(({ ratio }) => ratio < 4.5)
  expect(poor).toEqual([])
})
