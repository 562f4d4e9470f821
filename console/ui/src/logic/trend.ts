// What the trend shows of a path, or of all of them together.
import type { Trend, TrendPath } from '../api/types'

export const ALL = '*'
type Series = (number | null)[]

export interface Chosen {
  name: string
  passRate: Series
  p50: Series
  p95: Series
  p99: Series
  slots: number[]
}

export function chosen(trend: Trend, path: string): Chosen | null {
  if (path === ALL) return together(trend)
  const found = trend.paths.find((candidate) => candidate.path === path)
  if (!found) return null
  return {
    name: found.path,
    passRate: found.pass_rate,
    p50: found.p50_ms,
    p95: found.p95_ms,
    p99: found.p99_ms,
    slots: found.slots,
  }
}

/** Rates weigh by the tests that could tell; percentiles can't be added up, so the slowest path's stand for all. */
function together(trend: Trend): Chosen {
  const hours = trend.at.map((_, hour) => hour)
  const highest = (of: (path: TrendPath) => Series): Series =>
    hours.map((hour) => {
      const known = trend.paths.flatMap((path) => of(path)[hour] ?? [])
      return known.length === 0 ? null : Math.max(...known)
    })
  return {
    name: 'all paths',
    passRate: hours.map((hour) => weighted(trend.paths, hour)),
    p50: highest((path) => path.p50_ms),
    p95: highest((path) => path.p95_ms),
    p99: highest((path) => path.p99_ms),
    slots: hours.map((hour) => trend.paths.reduce((sum, path) => sum + (path.slots[hour] ?? 0), 0)),
  }
}

function weighted(paths: readonly TrendPath[], hour: number): number | null {
  let weight = 0
  let sum = 0
  for (const path of paths) {
    const rate = path.pass_rate[hour] ?? null
    const told = path.told[hour] ?? 0
    if (rate === null || told === 0) continue
    weight += told
    sum += rate * told
  }
  return weight === 0 ? null : sum / weight
}

export interface TableRow {
  at: number
  passRate: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  slots: number
  marks: string[]
}

/** The same as a table, newest first; hours of which nothing is known are left out. */
export function tableOf(trend: Trend, series: Chosen): TableRow[] {
  const rows = trend.at.map((at, hour) => ({
    at,
    passRate: series.passRate[hour] ?? null,
    p50: series.p50[hour] ?? null,
    p95: series.p95[hour] ?? null,
    p99: series.p99[hour] ?? null,
    slots: series.slots[hour] ?? 0,
    marks: trend.marks
      .filter((mark) => Date.parse(mark.at) >= at && Date.parse(mark.at) < at + trend.step_ms)
      .map((mark) => mark.text),
  }))
  return rows.filter((row) => row.slots > 0 || row.marks.length > 0).reverse()
}

/** The lower end of the axis of rates: near the lowest rate, or a small dip could not be seen. */
export function rateFloor(rates: Series): number {
  const known = rates.filter((rate): rate is number => rate !== null)
  const lowest = known.length === 0 ? 1 : Math.min(...known)
  return [0.99, 0.95, 0.9, 0.8, 0.5].find((floor) => lowest >= floor) ?? 0
}

/** Where each hour begins, and where the last one ends. */
export const edges = (trend: Trend): number[] => {
  const last = trend.at.at(-1)
  return last === undefined ? [] : [...trend.at, last + trend.step_ms]
}

/** A young deployment's chart shows its last days, and at least one: weeks of nothing would squeeze what there is to a line. */
export function sinceFirst(trend: Trend): Trend {
  const known = trend.at.findIndex((_, hour) => trend.paths.some((path) => (path.slots[hour] ?? 0) > 0))
  const from = Math.max(0, Math.min(known === -1 ? 0 : known, trend.at.length - 24))
  if (from === 0) return trend
  const paths = trend.paths.map((path) => ({
    ...path,
    pass_rate: path.pass_rate.slice(from),
    p50_ms: path.p50_ms.slice(from),
    p95_ms: path.p95_ms.slice(from),
    p99_ms: path.p99_ms.slice(from),
    slots: path.slots.slice(from),
    told: path.told.slice(from),
  }))
  return { ...trend, at: trend.at.slice(from), paths }
}

/** Nothing has told yet: a slot that waits for its verdict, or was not fired, draws nothing. */
export const isEmpty = (trend: Trend): boolean => trend.paths.every((path) => path.told.every((told) => told === 0))
