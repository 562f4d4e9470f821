// Whether what the page shows is still true: rules for the stream's silence and for trying again.

/** The stream beats every 15 s; after this long without a word it is taken for lost. */
export const SILENCE_MS = 40_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 10_000

export type Link = 'connecting' | 'live' | 'lost'

/** How long to wait before the nth try (from 0); `chance` in 0..1 spreads clients that lost one server together. */
export function retryAfter(attempt: number, chance: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10))
  return Math.round(longest * (0.5 + chance / 2))
}

export const isSilent = (heardAt: number, now: number): boolean => now - heardAt >= SILENCE_MS
