// The admin API's shapes, as its OpenAPI document gives them. Fields bear the names of the ledger's columns;
// a `Time` is RFC 3339 in UTC with microseconds, spans are in the unit of their name.

import type { Evidence } from './evidence'

export type Time = string

export const OUTCOMES = ['passed', 'late', 'failed', 'inconclusive', 'skipped', 'missed', 'pending'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type PathState = 'passing' | 'degraded' | 'failing' | 'unknown' | 'paused'
export type Backend = 'intra' | 'async' | '2pc'
export type Origin = 'schedule' | 'probe' | 'fire'
export type Role = 'viewer' | 'operator'
export type Held = 'paused' | 'maintenance'

export const WINDOWS = ['1h', '24h', '7d', '30d'] as const
export type WindowName = (typeof WINDOWS)[number]

export type WindowCounts = Record<Outcome, number> & {
  pass_rate: number | null
  p50_ms: number | null
  p95_ms: number | null
  p99_ms: number | null
}
export type Windows = Record<WindowName, WindowCounts>

export interface Brief {
  test_id: string
  path: string
  backend: Backend
  origin: Origin
  cycle: number | null
  registered_at: Time
  judged_at: Time | null
  outcome: Outcome
  failure_signal: string | null
  missing_stages: string[]
  total_latency_ms: number | null
  revision: number
}

export type LedRole = 'runner' | 'judge' | 'export'
export type HoldKind = 'pause' | 'maintenance'
export type Via = 'live' | 'replay' | 'backstop'

export interface Leader {
  role: LedRole
  node: string | null
  term: number | null
}

export interface Hold {
  kind: HoldKind
  path: string | null
  from: Time
  until: Time | null
  actor: string
  reason: string
}

export interface AgentBalance {
  name: string
  balance: string | null
  runway_seconds: number | null
  at: Time | null
}

export interface PathRow {
  path: string
  backend: Backend
  source_frame: string
  dest_frame: string
  amount: string
  state: PathState
  held: Held | null
  last: Brief | null
  last_pass_at: Time | null
  consecutive_failures: number
  recent: Brief[]
  windows: Windows
  agent: AgentBalance
}

/** Whether what comes from the board (leaders, balances, reactors) is there. */
export type BoardSeen = 'available' | 'unavailable'

export interface Scoreboard {
  canary: string
  now: Time
  /** When the ledger was read last: behind `now` while it is away. */
  as_of: Time
  board: BoardSeen
  state: PathState
  period_ms: number
  next_fire_at: Time
  leaders: Leader[]
  windows: Windows
  holds: Hold[]
  paths: PathRow[]
}

export interface Cycle {
  cycle: number
  at: Time
  slots: Record<string, Brief>
}

export interface Cycles {
  period_ms: number
  paths: string[]
  cycles: Cycle[]
}

export interface Reactor {
  frame: string
  event_type: string
  node: string
  connected: boolean
  position: number | null
  covered_since: Time | null
  covered_until: Time | null
  last_event_at: Time | null
  events_total: number
  matched_total: number
  reconnects_total: number
}

export interface Reactors {
  now: Time
  board: BoardSeen
  reactors: Reactor[]
}

export interface TrendPath {
  path: string
  backend: Backend
  pass_rate: (number | null)[]
  p50_ms: (number | null)[]
  p95_ms: (number | null)[]
  p99_ms: (number | null)[]
  slots: number[]
  told: number[]
}

export interface Mark {
  at: Time
  kind: 'process_start' | 'leader_change' | 'maintenance'
  text: string
  node: string | null
}

export interface Trend {
  days: number
  step_ms: number
  at: number[]
  paths: TrendPath[]
  marks: Mark[]
}

export interface AboutBlock {
  id: string
  title: string
  intro: string
  columns: string[]
  rows: string[][]
}

export interface About {
  blocks: AboutBlock[]
}

export interface TimelineEvent {
  at: Time
  what: string
  via: Via | null
}

export interface Stamp {
  seen: Time
  occurred: Time
  via: Via
  frame: string
  position: number
}

/** One result, as `GET /results/{test_id}` answers it. */
export interface Result extends Brief {
  canary: string
  source_frame: string
  dest_frame: string
  period_ms: number | null
  term: number
  sender: string
  receiver: string
  amount: string
  transfer_id: string | null
  fired_at: Time | null
  accepted_at: Time | null
  answered_at: Time | null
  fire_status: string | null
  fire_code: number | null
  fire_error: { code: string | null; detail: string } | null
  mismatch: { at: Time; what: string } | null
  stamps: Record<string, Stamp>
  completed_at: Time | null
  deadline_at: Time | null
  decided_as_of: Time | null
  latency_basis: 'observed' | 'event_time' | null
  clock_error_ms: number | null
  landed: boolean | null
  timeline: TimelineEvent[]
  explanation: string
  evidence: Evidence | null
}

export interface Session {
  name: string
  role: Role
  auth: 'none' | 'bearer' | 'session'
}

export interface Snapshot {
  head: number
  state: PathState
  paths: { path: string; state: PathState; last: Brief | null }[]
}

export interface MaintenanceRequest {
  from: Time
  to: Time
  paths?: string[]
  reason: string
}
