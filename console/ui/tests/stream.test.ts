import { beforeEach, expect, test } from 'vitest'

import { type Listener, OutcomeStream } from '../src/api/stream'
import type { Brief } from '../src/api/types'
import { SILENCE_MS } from '../src/logic/link'
import { brief } from './make'

/** EventSources and timers that do nothing by themselves. */
class Bench {
  sources: { url: string; closed: boolean; say: (type: string, data?: unknown, id?: string) => void }[] = []
  timers: { ms: number; run: () => void; live: boolean }[] = []
  told: string[] = []
  outcomes: Brief[] = []

  listener: Listener = {
    snapshot: () => this.told.push('snapshot'),
    outcome: (one) => this.outcomes.push(one),
    heartbeat: (now) => this.told.push(now),
    link: (link) => this.told.at(-1) !== link && this.told.push(link),
    heard: () => undefined,
  }

  stream = new OutcomeStream(this.listener, {
    open: (url) => {
      const on = new Map<string, (event: MessageEvent<string>) => void>()
      const source = {
        url,
        closed: false,
        say: (type: string, data?: unknown, id = '') => on.get(type)?.({ data: typeof data === 'string' ? data : JSON.stringify(data), lastEventId: id } as MessageEvent<string>),
      }
      this.sources.push(source)
      return { addEventListener: (type, listener) => on.set(type, listener), close: () => (source.closed = true) }
    },
    after: (ms, run) => {
      const timer = { ms, run, live: true }
      this.timers.push(timer)
      return () => (timer.live = false)
    },
    chance: () => 1,
  })

  get source() {
    const last = this.sources.at(-1)
    if (!last) throw new Error('nothing was opened')
    return last
  }

  /** Lets the one pending timer go off. */
  elapse(): number {
    const due = this.timers.filter((timer) => timer.live)
    expect(due).toHaveLength(1)
    const [timer] = due
    if (!timer) throw new Error('no timer')
    timer.live = false
    timer.run()
    return timer.ms
  }
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
  bench.stream.start()
  bench.source.say('open')
  bench.source.say('snapshot', { head: 7, state: 'passing', paths: [] }, '7')
})

test('a fresh stream asks for a snapshot', () => {
  expect(bench.source.url).toBe('/api/v1/canaries/stream')
  expect(bench.told).toEqual(['connecting', 'live', 'snapshot'])
})

test('after a cut it resumes after the last id, in its address, and gives no outcome twice', () => {
  bench.source.say('outcome', brief({ test_id: 'a' }), '8')
  bench.source.say('outcome', brief({ test_id: 'b' }), '9')
  const cut = bench.source
  cut.say('error')
  expect(cut.closed).toBe(true)
  expect(bench.told.at(-1)).toBe('lost')
  expect(bench.elapse()).toBe(1_000)
  expect(bench.source.url).toBe('/api/v1/canaries/stream?last_event_id=9')
  bench.source.say('outcome', brief({ test_id: 'b' }), '9')
  bench.source.say('outcome', brief({ test_id: 'c' }), '10')
  expect(bench.outcomes.map((one) => one.test_id)).toEqual(['a', 'b', 'c'])
  expect(bench.told.at(-1)).toBe('live')
})

test('each failed try waits longer, up to ten seconds, until something is heard again', () => {
  const waits = [1, 2, 3, 4, 5, 6].map(() => {
    bench.source.say('error')
    return bench.elapse()
  })
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  bench.source.say('heartbeat', { now: '2026-11-21T01:00:00Z' })
  bench.source.say('error')
  expect(bench.elapse()).toBe(1_000)
})

test('a connection that is accepted and says nothing does not begin the waits anew', () => {
  bench.source.say('error')
  bench.elapse()
  bench.source.say('open')
  bench.source.say('error')
  expect(bench.elapse()).toBe(2_000)
})

test('forty seconds of silence are a cut', () => {
  bench.source.say('heartbeat', { now: '2026-11-21T01:00:00Z' })
  const silent = bench.source
  expect(bench.elapse()).toBe(SILENCE_MS)
  expect(SILENCE_MS).toBe(40_000)
  expect(silent.closed).toBe(true)
  expect(bench.told.at(-1)).toBe('lost')
})

test('a connection that was replaced is not listened to', () => {
  const old = bench.source
  old.say('error')
  bench.elapse()
  old.say('outcome', brief({ test_id: 'ghost' }), '99')
  old.say('error')
  expect(bench.outcomes).toEqual([])
  expect(bench.sources).toHaveLength(2)
})

test('a snapshot with a lower id is another ledger’s: it counts on from there', () => {
  bench.source.say('snapshot', { head: 2, state: 'passing', paths: [] }, '2')
  bench.source.say('outcome', brief(), '3')
  expect(bench.outcomes).toHaveLength(1)
})

test('what can’t be read is passed over, and its id counts', () => {
  bench.source.say('outcome', '{broken', '8')
  bench.source.say('error')
  bench.elapse()
  expect(bench.source.url).toContain('last_event_id=8')
})

test('it hurries when told to, and begins anew after a stop', () => {
  bench.source.say('error')
  bench.stream.hurry()
  expect(bench.sources).toHaveLength(2)
  bench.stream.hurry()
  expect(bench.sources).toHaveLength(2)
  bench.stream.stop()
  expect(bench.timers.filter((timer) => timer.live)).toHaveLength(0)
  bench.stream.start()
  expect(bench.source.url).toBe('/api/v1/canaries/stream')
})
