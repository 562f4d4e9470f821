// The stream and what it changes: scoreboard, matrix and log.
import { type Ref, type ShallowRef, ref, shallowRef } from 'vue'

import type { Api, ApiError } from '../api/client'
import { OutcomeStream } from '../api/stream'
import type { Brief, Cycles, Scoreboard, Snapshot } from '../api/types'
import { type Log, add, emptyLog } from '../logic/eventlog'
import { nextAt } from '../logic/format'
import type { Link } from '../logic/link'
import { Recent, mergeBoard, mergeCycles, mergeOutcomes } from '../logic/merge'
import type { ServerClock } from './clock'
import { type Resource, resource } from './resource'
import { isHidden, paced } from './visible'

const MATRIX_MINUTES = 60
/** What a cycle's beginning asks for. A row changes while it is watched, which is for ten minutes. */
const FRESH_MINUTES = 12
/** With cycles of seconds the stream has to do, or the same thousand rows would be read again and again. */
const FRESH_MINUTES_IF_SHORT = 2
const SHORT_MS = 30_000
const SPAN_MS = MATRIX_MINUTES * 60_000
const AFTER_OUTCOME_MS = 500
/** An outcome is no polling, but nobody looks either: the title alone has to be right. */
const AFTER_OUTCOME_HIDDEN_MS = 10_000

export interface Live {
  board: Resource<Scoreboard>
  cycles: Resource<Cycles>
  log: ShallowRef<Log>
  link: Ref<Link>
  /** Server time of the stream's last word. */
  heardAt: Ref<number | null>
  /** The newest outcome, for whoever shows one test. */
  latest: ShallowRef<Brief | null>
  start(): void
  stop(): void
  hurry(): void
  readAll(): void
}

export function live(api: Api, clock: ServerClock, failed: (error: ApiError) => void): Live {
  const log = shallowRef<Log>(emptyLog())
  const link = ref<Link>('connecting')
  const heardAt = ref<number | null>(null)
  const latest = shallowRef<Brief | null>(null)
  const recent = new Recent()
  /** The newest verdict's moment when the page opened, by the ledger's own time. */
  let openedAt: number | null = null
  let whole = true

  const board = resource<Scoreboard>(async () => {
    const mark = recent.mark
    const fresh = await api.scoreboard()
    clock.sync(fresh.now)
    return mergeBoard(fresh, recent.since(mark))
  }, failed)

  const cycles: Resource<Cycles> = resource<Cycles>(async () => {
    const mark = recent.mark
    const all = whole || cycles.data.value === null || link.value !== 'live'
    const short = (cycles.data.value?.period_ms ?? SHORT_MS) < SHORT_MS
    const fresh = await api.cycles(all ? MATRIX_MINUTES : short ? FRESH_MINUTES_IF_SHORT : FRESH_MINUTES)
    if (all) whole = false
    return mergeOutcomes(mergeCycles(cycles.data.value, fresh, SPAN_MS), recent.since(mark), SPAN_MS)
  }, failed)

  const soon = paced(() => (isHidden() ? AFTER_OUTCOME_HIDDEN_MS : AFTER_OUTCOME_MS), () => void board.read())

  function take(brief: Brief): void {
    latest.value = brief
    log.value = add(log.value, brief)
    lay(brief)
  }

  function lay(brief: Brief): void {
    recent.push(brief)
    if (board.data.value) board.data.value = mergeBoard(board.data.value, [brief])
    if (cycles.data.value) cycles.data.value = mergeOutcomes(cycles.data.value, [brief], SPAN_MS)
    soon.call()
  }

  function snapshot(fresh: Snapshot): void {
    const lasts = fresh.paths.flatMap(({ last }) => last ?? [])
    if (openedAt === null) {
      // The first readings are under way; what happened since they were asked for is in here.
      openedAt = newest(lasts)
      lasts.forEach(lay)
      return
    }
    // It follows a gap, and may hold news.
    for (const last of lasts) if (judgedAt(last) > openedAt) take(last)
    readAll()
  }

  function readAll(): void {
    whole = true
    void board.read()
    void cycles.read()
  }

  const stream = new OutcomeStream({
    snapshot,
    outcome: take,
    heartbeat: (now) => clock.sync(now),
    link(now) {
      const resumed = now === 'live' && link.value === 'lost'
      link.value = now
      if (resumed) readAll()
      // An ended session looks like a cut; only a question tells them apart.
      if (now === 'lost' && !isHidden()) void board.read()
    },
    heard: () => {
      heardAt.value = clock.read()
    },
  })

  const atCycles = cycleTimer(board.data, clock, () => {
    if (!isHidden()) void cycles.read()
  })

  return {
    board,
    cycles,
    log,
    link,
    heardAt,
    latest,
    readAll,
    hurry: () => stream.hurry(),
    start() {
      void Promise.all([board.read(), cycles.read()]).then(() => atCycles.start())
      stream.start()
    },
    stop() {
      stream.stop()
      soon.cancel()
      atCycles.stop()
      recent.clear()
      board.clear()
      cycles.clear()
      log.value = emptyLog()
      heardAt.value = null
      whole = true
      openedAt = null
    },
  }
}

const judgedAt = (brief: Brief): number => (brief.judged_at === null ? 0 : Date.parse(brief.judged_at))
const newest = (briefs: Brief[]): number => Math.max(0, ...briefs.map(judgedAt))

/** A second after each cycle begins, and once more when its paths have been spread out. */
function cycleTimer(board: ShallowRef<Scoreboard | null>, clock: ServerClock, run: () => void) {
  let timer: ReturnType<typeof setTimeout> | null = null
  let running = false

  function arm(): void {
    if (!running) return
    const known = board.value
    const period = known?.period_ms ?? 60_000
    const now = clock.read()
    const begin = known ? nextAt(Date.parse(known.next_fire_at), period, now) - period : now
    const moments = [begin + 1_000, begin + Math.min(12_000, period / 4), begin + period + 1_000]
    const next = moments.find((at) => at > now + 500) ?? now + period
    timer = setTimeout(() => {
      run()
      arm()
    }, next - now)
  }

  return {
    start() {
      if (running) return
      running = true
      arm()
    },
    stop() {
      running = false
      if (timer !== null) clearTimeout(timer)
    },
  }
}
