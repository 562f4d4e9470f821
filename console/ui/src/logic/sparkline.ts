// A path's newest results as one line of latencies, with a dot for each that did not pass.
import type { Brief, Outcome } from '../api/types'

export interface Dot {
  x: number
  y: number
  outcome: Outcome
}

export interface Sparkline {
  line: string
  dots: Dot[]
}

/** Latencies on a logarithmic scale, since a late one may be a thousand times a usual one. Gaps break the line. */
export function sparkline(recent: readonly Brief[], width: number, height: number, slots: number): Sparkline {
  const edge = 2
  const known = recent.flatMap((brief) => (brief.total_latency_ms === null ? [] : [Math.log(brief.total_latency_ms + 1)]))
  const [low, high] = [Math.min(...known), Math.max(...known)]
  // Latencies that differ by less than twice are noise, and are not to look like mountains.
  const range = Math.max(high - low, Math.LN2)
  const middle = (low + high) / 2
  const step = (width - 2 * edge) / Math.max(1, slots - 1)
  const first = slots - recent.length
  const dots: Dot[] = []
  let line = ''
  let pen = false
  recent.forEach((brief, at) => {
    const x = round(edge + (first + at) * step)
    const ms = brief.total_latency_ms
    const share = ms === null ? 0 : 0.5 + (Math.log(ms + 1) - middle) / range
    const y = round(height - edge - share * (height - 2 * edge))
    if (ms === null) pen = false
    else {
      line += `${pen ? 'L' : 'M'}${x} ${y}`
      pen = true
    }
    if (brief.outcome !== 'passed' || ms === null) dots.push({ x, y, outcome: brief.outcome })
  })
  return { line, dots }
}

const round = (n: number): number => Math.round(n * 10) / 10
