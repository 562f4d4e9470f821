// Waiting on a condition, with a limit: the one place that sleeps.

import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 50

/** Asks until there is an answer (anything but undefined, null and false), at most `seconds`. */
export async function until<T>(
  what: string,
  seconds: number,
  ask: () => T | Promise<T>,
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== null && answer !== false) {
      return answer as Exclude<T, undefined | null | false>
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${String(seconds)} s`)
    await pause(PAUSE_MS)
  }
}
