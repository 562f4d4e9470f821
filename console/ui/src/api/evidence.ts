// What is kept of a failure beside its row, as `GET /results/{test_id}` answers it.
import type { Time } from './types'

/** How a reactor was when a failure was judged. */
export interface Watcher {
  frame: string
  event_type: string
  node: string
  connected: boolean
  position: number | null
  covered_since: Time | null
  covered_until: Time | null
  last_event_at: Time | null
  /** Whether it had certainly seen everything from the firing to the deadline. */
  covers: boolean
}

export interface LogSearch {
  at: Time
  status: number | null
  body: string | null
  truncated: boolean
  error: string | null
}

export interface Evidence {
  observed_at: Time
  reactors: Watcher[]
  log: LogSearch | null
}
