// Events a second, from two readings of a reactor's totals.
import type { Reactor, Reactors } from '../api/types'

export interface Rated extends Reactor {
  key: string
  /** Unknown on the first reading, and after a restart, whose totals begin anew. */
  rate: number | null
}

const keyOf = (reactor: Reactor): string => `${reactor.frame}/${reactor.event_type}/${reactor.node}`

export function rated(before: Reactors | null, now: Reactors): Rated[] {
  const seconds = before ? (Date.parse(now.now) - Date.parse(before.now)) / 1000 : 0
  const totals = new Map(before?.reactors.map((reactor) => [keyOf(reactor), reactor.events_total]))
  return now.reactors.map((reactor) => {
    const key = keyOf(reactor)
    const earlier = totals.get(key)
    const known = earlier !== undefined && seconds > 0 && reactor.events_total >= earlier
    return { ...reactor, key, rate: known ? (reactor.events_total - earlier) / seconds : null }
  })
}

export interface Group {
  event: string
  nodes: Rated[]
}

/** The instances' reactors of one event type together, in the order in which the types come. */
export function byEvent(reactors: readonly Rated[]): Group[] {
  const groups = new Map<string, Rated[]>()
  for (const reactor of reactors) {
    groups.set(reactor.event_type, [...(groups.get(reactor.event_type) ?? []), reactor])
  }
  return [...groups].map(([event, nodes]) => ({ event, nodes }))
}

export type Freshness = 'fresh' | 'behind' | 'blind'

/** Heartbeats come every 10 s: up to 15 s is normal, and from 30 s on the socket counts as silent. */
export function freshness(reactor: Reactor, now: number): Freshness {
  if (!reactor.connected || !reactor.covered_until) return 'blind'
  const age = now - Date.parse(reactor.covered_until)
  return age <= 15_000 ? 'fresh' : age <= 30_000 ? 'behind' : 'blind'
}
