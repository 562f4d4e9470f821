// Values for the tests, each complete and valid.
import type { Brief, Cycles, PathRow, Reactor, Scoreboard, WindowCounts, Windows } from '../src/api/types'

export const T0 = Date.parse('2026-11-21T01:00:00.000Z')
export const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString()

export function brief(given: Partial<Brief> = {}): Brief {
  const cycle = given.cycle === undefined ? T0 / 60_000 : given.cycle
  return {
    test_id: `test-${given.path ?? 'p'}-${cycle}`,
    path: 'p',
    backend: 'intra',
    origin: 'schedule',
    cycle,
    registered_at: new Date((cycle ?? T0 / 60_000) * 60_000).toISOString(),
    judged_at: at(5),
    outcome: 'passed',
    failure_signal: null,
    missing_stages: [],
    total_latency_ms: 300,
    revision: 1,
    ...given,
  }
}

const counts: WindowCounts = { passed: 9, late: 0, failed: 1, inconclusive: 0, skipped: 0, missed: 0, pending: 0, pass_rate: 0.9, p50_ms: 1, p95_ms: 2, p99_ms: 3 }
export const windows = (rate: number | null = 0.9): Windows => {
  const each = { ...counts, pass_rate: rate }
  return { '1h': each, '24h': each, '7d': each, '30d': each }
}

export function row(given: Partial<PathRow> = {}): PathRow {
  return {
    path: 'p',
    backend: 'intra',
    source_frame: 'a',
    dest_frame: 'a',
    amount: '0.01',
    state: 'passing',
    held: null,
    last: null,
    last_pass_at: null,
    consecutive_failures: 0,
    recent: [],
    windows: windows(),
    agent: { name: 'alpha', balance: '12.5', runway_seconds: 90_000, at: at(0) },
    ...given,
  }
}

export function board(paths: PathRow[], given: Partial<Scoreboard> = {}): Scoreboard {
  return {
    canary: 'prod',
    now: at(0),
    as_of: at(0),
    board: 'available',
    state: 'passing',
    period_ms: 60_000,
    next_fire_at: at(60),
    leaders: [],
    windows: windows(),
    holds: [],
    paths,
    ...given,
  }
}

/** Cycles `newest`, `newest - 1`, … each with the given slots. */
export function cycles(paths: string[], slots: Record<string, Brief>[], newest = T0 / 60_000): Cycles {
  return {
    period_ms: 60_000,
    paths,
    cycles: slots.map((each, back) => ({ cycle: newest - back, at: new Date((newest - back) * 60_000).toISOString(), slots: each })),
  }
}

export function reactor(given: Partial<Reactor> = {}): Reactor {
  return {
    frame: 'a',
    event_type: 'TokensTransferred',
    node: 'n1',
    connected: true,
    position: 10,
    covered_since: at(-100),
    covered_until: at(-2),
    last_event_at: at(-1),
    events_total: 100,
    matched_total: 1,
    reconnects_total: 0,
    ...given,
  }
}
