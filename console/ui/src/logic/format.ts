// Numbers and moments as people read them. Absent is always the same dash, so that it is never taken for a zero.

export const NONE = '—'

/** A share of 1. Never rounded up: what is not all is not shown as 100 %. */
export function percent(rate: number | null | undefined): string {
  if (rate === null || rate === undefined) return NONE
  if (rate >= 1) return '100 %'
  // The product can lie a hair under a whole number (0.9999 × 10000), which is not to cost a hundredth.
  return `${(Math.floor(rate * 10_000 + 1e-7) / 100).toFixed(2)} %`
}

/** A span in milliseconds, three digits or so. */
export function latency(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return NONE
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`
  return span(ms)
}

/** A span in milliseconds by its two largest units, whole. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return both(minutes, 'm', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return both(hours, 'h', minutes % 60, 'm')
  return both(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const both = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`

/** How long ago a moment is, by one unit. */
export function ago(at: string | null | undefined, now: number): string {
  if (!at) return NONE
  const seconds = Math.floor((now - Date.parse(at)) / 1000)
  if (seconds < 1) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

/** Until the next fire; cycles go on by themselves, so a moment that has passed counts by the period. */
export function countdown(nextFireAt: string, periodMs: number, now: number): string {
  const next = nextAt(Date.parse(nextFireAt), periodMs, now)
  const seconds = Math.max(0, Math.ceil((next - now) / 1000))
  return seconds > 120 ? span(seconds * 1000) : `${seconds} s`
}

export function nextAt(due: number, periodMs: number, now: number): number {
  if (due >= now || periodMs <= 0) return due
  return due + Math.ceil((now - due) / periodMs) * periodMs
}

const two = (n: number): string => String(n).padStart(2, '0')

/** Time of day in the reader's zone. */
export function clock(at: string | number, withMillis = false): string {
  const date = new Date(at)
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return withMillis ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text
}

export function day(at: string | number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

export const dayAndMinute = (at: string | number): string => `${day(at)} ${clock(at).slice(0, 5)}`

/** A rate of events a second. */
export function perSecond(rate: number | null): string {
  if (rate === null) return NONE
  if (rate === 0) return '0 /s'
  if (rate < 10) return `${rate.toFixed(rate < 1 ? 2 : 1)} /s`
  return `${whole(Math.round(rate))} /s`
}

/** A whole number in groups of three. */
export const whole = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')

/** How long an agent's funds last: hours say nothing where it is weeks. */
export function runway(seconds: number | null): string {
  if (seconds === null) return NONE
  const days = Math.floor(seconds / 86_400)
  return days < 14 ? span(seconds * 1000) : `${whole(days)} d`
}

/** The bound of a clock's error: never as if there were none. */
export function bound(ms: number | null): string {
  if (ms === null) return 'unknown'
  return ms < 0.01 ? 'less than 0.01 ms' : `± ${ms < 10 ? `${ms.toFixed(2)} ms` : latency(ms)}`
}
