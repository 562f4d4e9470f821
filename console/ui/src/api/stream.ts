// The live stream of outcomes, resumed without loss or repeats.
//
// A browser's EventSource reconnects by itself after a cut, but gives up for good after an answer that is no
// stream (a restart behind a proxy, an ended session), and never notices a socket that went silent. So each
// connection here lives once: whatever ends it, a fresh one is opened after a pause and names the last id that
// was seen in its address, as a fresh EventSource can't send the header. Ids only grow, so what is not newer
// than the last one is a repeat and dropped.
import type { Brief, Snapshot } from './types'
import { API } from './client'
import { type Link, SILENCE_MS, retryAfter } from '../logic/link'

export interface Listener {
  snapshot(snapshot: Snapshot): void
  outcome(brief: Brief): void
  heartbeat(now: string): void
  link(link: Link): void
  /** Something came: the stream is alive as of now. */
  heard(): void
}

/** What of an EventSource is used here. */
export interface Source {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

export interface Means {
  open(url: string): Source
  after(ms: number, run: () => void): () => void
  chance(): number
}

const browser: Means = {
  open: (url) => new EventSource(url) as Source,
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  chance: Math.random,
}

export class OutcomeStream {
  private source: Source | null = null
  private lastId: number | null = null
  private attempt = 0
  private cancelTimer: (() => void) | null = null

  constructor(
    private readonly listener: Listener,
    private readonly means: Means = browser,
  ) {}

  start(): void {
    if (this.source || this.cancelTimer) return
    this.listener.link('connecting')
    this.connect()
  }

  /** Ends it; the next start begins with a snapshot. */
  stop(): void {
    this.close()
    this.lastId = null
    this.attempt = 0
  }

  /** Skips what is left of a pause: the network is back, or somebody looks again. */
  hurry(): void {
    if (this.source || !this.cancelTimer) return
    this.close()
    this.connect()
  }

  private connect(): void {
    const resume = this.lastId === null ? '' : `?last_event_id=${this.lastId}`
    const source = this.means.open(`${API}/stream${resume}`)
    this.source = source
    const on = (type: string, take: (event: MessageEvent<string>) => void): void =>
      source.addEventListener(type, (event) => {
        // A connection that was replaced has nothing more to say.
        if (this.source === source) take(event)
      })
    on('open', () => this.alive())
    on('error', () => this.lost())
    on('snapshot', (event) => this.take(event, (data: Snapshot) => this.listener.snapshot(data), true))
    on('outcome', (event) => this.take(event, (data: Brief) => this.listener.outcome(data), false))
    on('heartbeat', (event) => {
      this.heard()
      const data = parse<{ now: string }>(event.data)
      if (data) this.listener.heartbeat(data.now)
    })
    this.watch()
  }

  private take<T>(event: MessageEvent<string>, give: (data: T) => void, startsOver: boolean): void {
    this.heard()
    const id = event.lastEventId === '' ? Number.NaN : Number(event.lastEventId)
    if (!startsOver && this.lastId !== null && id <= this.lastId) return
    // A snapshot may carry a lower id: the ledger was replaced by another.
    if (!Number.isNaN(id)) this.lastId = id
    const data = parse<T>(event.data)
    if (data) give(data)
  }

  private heard(): void {
    this.attempt = 0
    this.alive()
  }

  private alive(): void {
    this.listener.link('live')
    this.listener.heard()
    this.watch()
  }

  private watch(): void {
    this.cancelTimer?.()
    this.cancelTimer = this.means.after(SILENCE_MS, () => this.lost())
  }

  private lost(): void {
    this.close()
    this.listener.link('lost')
    this.cancelTimer = this.means.after(retryAfter(this.attempt, this.means.chance()), () => {
      this.cancelTimer = null
      this.connect()
    })
    this.attempt += 1
  }

  private close(): void {
    this.cancelTimer?.()
    this.cancelTimer = null
    this.source?.close()
    this.source = null
  }
}

function parse<T>(text: string): T | null {
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}
