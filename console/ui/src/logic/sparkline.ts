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
  const low = Math.min(...known)
  const range = Math.max(...known) - low
  const step = (width - 2 * edge) / Math.max(1, slots - 1)
  const first = slots - recent.length
  const dots: Dot[] = []
  let line = ''
  let pen = false
  recent.forEach((brief, at) => {
    const x = round(edge + (first + at) * step)
    const ms = brief.total_latency_ms
    // Steady latencies are drawn along the middle.
    const share = ms === null ? 0 : range < 0.05 ? 0.5 : (Math.log(ms + 1) - low) / range
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
