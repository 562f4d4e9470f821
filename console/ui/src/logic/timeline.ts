// A test's way as the drawer tells it.
import type { Result, TimelineEvent } from '../api/types'
import { latency } from './format'

export type Tone = 'own' | 'stage' | 'bad' | 'limit'

export interface Line {
  key: string
  at: string
  name: string
  meaning: string
  via: TimelineEvent['via']
  tone: Tone
  /** Since firing; absent before it. */
  offset: string
}

const WORDS: Record<string, [name: string, meaning: string, tone: Tone]> = {
  registered: ['Registered', 'the slot was claimed', 'own'],
  fired: ['Fired', 'the transfer call left', 'own'],
  sent: ['Sent', 'no answer was noted', 'own'],
  accepted: ['Accepted', 'the platform took the transfer', 'own'],
  rejected: ['Rejected', 'the platform refused the call', 'bad'],
  unavailable: ['Unavailable', 'no usable answer', 'bad'],
  timeout: ['No answer', 'the call timed out', 'bad'],
  withheld: ['Withheld', 'nothing was sent', 'bad'],
  mismatch: ['Mismatch', 'an event contradicts what was fired', 'bad'],
  deadline: ['Deadline', 'to be done by then', 'limit'],
  judged: ['Judged', 'the verdict was written', 'own'],
  tokens_xfer: ['tokens_xfer', 'tokens left the sender’s account', 'stage'],
  fee_collected: ['fee_collected', 'the fee was taken', 'stage'],
  cf_initiated: ['cf_initiated', 'the saga began', 'stage'],
  cf_settled_local: ['cf_settled_local', 'credited in the local frame', 'stage'],
  cf_settled_remote: ['cf_settled_remote', 'credited in another frame', 'stage'],
  cf_refunded: ['cf_refunded', 'the money was given back', 'bad'],
}

export const VIA: Record<NonNullable<TimelineEvent['via']>, string> = {
  live: 'Seen live: the moment of seeing counts',
  replay: 'Replayed after a reconnect: the event’s own time counts',
  backstop: 'Found by polling: the event’s own time counts',
}

export function linesOf(result: Result): Line[] {
  const fired = result.fired_at ? millis(result.fired_at) : null
  return result.timeline.map((event, index) => {
    const [name, meaning, tone] = WORDS[event.what] ?? [event.what, '', 'own']
    return { key: `${event.what}-${index}`, at: event.at, name, meaning, via: event.via, tone, offset: offset(fired, event.at) }
  })
}

/** With the microseconds that a Date leaves out. */
function millis(at: string): number {
  const micros = /\.\d{3}(\d{3})/.exec(at)?.[1]
  return Date.parse(at) + Number(micros ?? 0) / 1000
}

function offset(fired: number | null, at: string): string {
  if (fired === null) return ''
  const ms = Math.round((millis(at) - fired) * 1000) / 1000
  if (ms === 0) return '0'
  return ms < 0 ? `−${latency(-ms)}` : `+${latency(ms)}`
}

export interface Fact {
  name: string
  value: string
}

export const memoOf = (result: Result): string => `canary-${result.test_id}`

/** Ids that somebody who searches logs wants to have. */
export function idsOf(result: Result): Fact[] {
  const ids: Fact[] = [{ name: 'Test', value: result.test_id }]
  if (result.transfer_id) ids.push({ name: 'Transfer', value: result.transfer_id })
  ids.push(
    { name: 'Memo', value: memoOf(result) },
    { name: 'Sender', value: result.sender },
    { name: 'Receiver', value: result.receiver },
  )
  return ids
}
