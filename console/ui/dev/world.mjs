// A made-up deployment for working on the page: the same shapes as the API's, numbers that look like a real day.
import { randomUUID } from 'node:crypto'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
export const iso = (ms) => new Date(ms).toISOString().replace('Z', '000Z')

const BACKENDS = [
  { backend: 'intra', deadline: 30_000, usual: 280, to: 'a', stages: ['tokens_xfer', 'fee_collected'] },
  { backend: 'async', deadline: 330_000, usual: 2_400, to: 'b', stages: ['tokens_xfer', 'fee_collected', 'cf_initiated', 'cf_settled_remote'] },
  { backend: '2pc', deadline: 60_000, usual: 760, to: 'b', stages: ['tokens_xfer', 'fee_collected', 'cf_settled_remote'] },
]
const AGENTS = ['alpha', 'bravo', 'charlie', 'delta']
const EVENTS = ['TokensTransferred', 'TransactionFeeCollected', 'CrossFrameTransferInitiated', 'CrossFrameTransferSettled', 'CrossFrameTransferRefunded']
const MISSING = { intra: 'tokens_xfer', async: 'cf_settled', '2pc': 'tokens_xfer|cf_settled' }

let seed = 7
const chance = () => ((seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648)
const round = (n, digits = 3) => Math.round(n * 10 ** digits) / 10 ** digits

const evidence = (row, deadline) => ({
  observed_at: row.judged_at,
  reactors: EVENTS.map((event_type) => ({ frame: 'a', event_type, node: 'canary-0', connected: true, position: 4_711, covered_since: row.registered_at, covered_until: row.judged_at, last_event_at: row.judged_at, covers: Date.parse(row.judged_at) >= Date.parse(deadline) })),
  log: { at: row.judged_at, status: 200, body: '{"level":"error","msg":"teg: relay gave up","transfer":"t-1"}\n', truncated: false, error: null },
})

export class World {
  constructor({ paths = 6, periodMs = 60_000, empty = false } = {}) {
    this.periodMs = periodMs
    this.empty = empty
    this.change = 0
    this.events = []
    this.held = new Map()
    this.windows = []
    this.trouble = new Set()
    this.rows = new Map()
    this.started = Date.now()
    this.paths = Array.from({ length: paths }, (_, at) => ({
      name: paths <= 6 ? ['a-intra', 'a-b-async', 'a-b-2pc', 'a-a-2pc', 'a-c-async', 'a-intra-large'][at] : `path-${String(at + 1).padStart(2, '0')}`,
      ...BACKENDS[at % 3],
      agent: AGENTS[at % AGENTS.length],
      amount: at % 6 === 5 ? '25' : '0.01',
    }))
    const now = Math.floor(Date.now() / periodMs)
    if (!empty) for (let cycle = now - Math.ceil(HOUR / periodMs); cycle <= now; cycle++) this.fire(cycle, cycle * periodMs + 8_000 < Date.now())
  }

  fire(cycle, settled = false) {
    for (const path of this.paths) {
      const at = cycle * this.periodMs + this.paths.indexOf(path) * 120
      const row = {
        test_id: randomUUID(), path: path.name, backend: path.backend, origin: 'schedule', cycle,
        registered_at: iso(at), judged_at: null, outcome: 'pending', failure_signal: null, missing_stages: [],
        total_latency_ms: null, revision: 0, at, deadline: path.deadline,
      }
      this.rows.set(row.test_id, row)
      if (settled) this.judge(row, at + path.usual + 3_000)
    }
  }

  judge(row, at = Date.now(), outcome = this.outcomeOf(row)) {
    const path = this.paths.find((known) => known.name === row.path)
    row.revision += 1
    row.judged_at = iso(at)
    row.outcome = outcome
    row.total_latency_ms = null
    row.failure_signal = { failed: chance() < 0.7 ? 'timeout' : 'unavailable', inconclusive: 'observer_blind', skipped: 'paused', missed: 'no_leader' }[outcome] ?? null
    row.missing_stages = row.failure_signal === 'timeout' || outcome === 'inconclusive' ? [MISSING[row.backend]] : []
    if (outcome === 'passed') row.total_latency_ms = round(path.usual * (0.8 + chance() * 0.5 + (chance() < 0.04 ? chance() * 4 : 0)))
    if (outcome === 'late') row.total_latency_ms = round(path.deadline * (1 + chance() * 0.3))
    row.change = ++this.change
    this.events.push({ id: this.change, data: brief(row) })
    return row
  }

  outcomeOf(row) {
    if (this.held.get(row.path)) return 'skipped'
    if (this.trouble.has(row.path)) return 'failed'
    const [dice, at] = [chance(), this.paths.findIndex((path) => path.name === row.path)]
    const minute = Math.floor(row.at / MINUTE) % 60
    if (minute === 17) return 'missed'
    if (at === 4 && minute > 30 && minute < 34) return 'inconclusive'
    if (at === 2) return dice < 0.06 ? 'failed' : dice < 0.1 ? 'late' : 'passed'
    return dice < 0.006 ? 'late' : dice < 0.01 ? 'failed' : 'passed'
  }

  /** Fires and judges what is due; answers whether a cycle began. */
  tick(now = Date.now()) {
    const cycle = Math.floor(now / this.periodMs)
    const begun = [...this.rows.values()].some((row) => row.cycle === cycle)
    if (!begun && (!this.empty || cycle * this.periodMs > this.started)) this.fire(cycle)
    for (const row of this.rows.values()) {
      const path = this.paths.find((known) => known.name === row.path)
      if (row.outcome === 'pending' && now - row.at > path.usual + 1_500) this.judge(row, now)
      if (now - row.at > 2 * HOUR) this.rows.delete(row.test_id)
    }
  }

  briefs(path) {
    return [...this.rows.values()].filter((row) => row.path === path && row.origin === 'schedule' && row.outcome !== 'pending').sort((a, b) => a.at - b.at).map(brief)
  }

  scoreboard() {
    const now = Date.now()
    const paths = this.paths.map((path) => this.row(path, now))
    const worst = ['failing', 'degraded', 'unknown', 'passing', 'paused'].find((state) => paths.some((row) => row.state === state))
    return {
      canary: 'prod', now: iso(now), as_of: iso(now), board: 'available', state: worst, period_ms: this.periodMs, next_fire_at: iso((Math.floor(now / this.periodMs) + 1) * this.periodMs),
      leaders: [{ role: 'runner', node: 'canary-7f9c4-2xk', term: 41 }, { role: 'judge', node: 'canary-7f9c4-9pq', term: 38 }],
      windows: windowsOf(paths.flatMap((row) => row.recent), this.empty), holds: this.holds(), paths,
    }
  }

  row(path, now) {
    const all = this.briefs(path.name)
    const recent = all.slice(-30)
    const failures = [...recent].reverse().findIndex((row) => row.outcome !== 'failed')
    const held = this.held.get(path.name) ?? null
    const bad = recent.slice(-10).filter((row) => row.outcome === 'failed' || row.outcome === 'late').length
    const state = held ? 'paused' : recent.length === 0 ? 'unknown' : failures >= 2 ? 'failing' : bad > 0 ? 'degraded' : recent.at(-1).outcome === 'inconclusive' ? 'unknown' : 'passing'
    return {
      path: path.name, backend: path.backend, source_frame: 'a', dest_frame: path.to, amount: path.amount, state, held,
      last: recent.at(-1) ?? null, last_pass_at: all.findLast((row) => row.outcome === 'passed')?.judged_at ?? null,
      consecutive_failures: Math.max(0, failures), recent, windows: windowsOf(all, this.empty),
      agent: { name: path.agent, balance: path.agent === 'delta' ? '3.2' : '1248.51', runway_seconds: path.agent === 'delta' ? 19_200 : 1_246_000, at: iso(now) },
    }
  }

  holds() {
    const pauses = [...this.held].map(([path]) => ({ kind: 'pause', path, from: iso(this.started), until: null, actor: 'mira', reason: 'ledger upgrade on frame b' }))
    return [...pauses, ...this.windows]
  }

  cycles(minutes) {
    const last = Math.floor(Date.now() / this.periodMs)
    const count = Math.ceil((minutes * MINUTE) / this.periodMs)
    const slots = Map.groupBy ? Map.groupBy(this.rows.values(), (row) => row.cycle) : group(this.rows.values())
    const cycles = Array.from({ length: count }, (_, back) => {
      const cycle = last - back
      return { cycle, at: iso(cycle * this.periodMs), slots: Object.fromEntries((slots.get(cycle) ?? []).map((row) => [row.path, brief(row)])) }
    })
    return { period_ms: this.periodMs, paths: this.paths.map((path) => path.name), cycles }
  }

  reactors() {
    const now = Date.now()
    const since = (now - this.started) / 1000
    return {
      now: iso(now), board: 'available',
      reactors: EVENTS.map((event_type, at) => ({
        frame: 'a', event_type, node: 'canary-7f9c4-2xk', connected: at !== 4, position: 48_211_300 + Math.floor(since * 90), covered_since: iso(this.started - HOUR),
        covered_until: iso(now - (at === 4 ? 48_000 : (now + at * 900) % 9_000)), last_event_at: iso(now - 400),
        events_total: [184_223, 180_100, 31_842, 29_610, 12][at] + Math.floor(since * [82.4, 80.1, 12.2, 11.8, 0][at]), matched_total: [660, 660, 240, 236, 2][at] + Math.floor(since / 10), reconnects_total: at === 4 ? 3 : at === 1 ? 1 : 0,
      })),
    }
  }

  trend(days) {
    const first = Math.floor(Date.now() / HOUR) * HOUR - (days * 24 - 1) * HOUR
    const at = Array.from({ length: this.empty ? 0 : days * 24 }, (_, hour) => first + hour * HOUR)
    const paths = this.paths.map((path, index) => {
      const usual = at.map((_, hour) => path.usual * (1 + 0.18 * Math.sin((hour / 24) * 2 * Math.PI) + chance() * 0.1 + (hour > 500 && hour < 530 && index === 2 ? 2.4 : 0)))
      const dips = at.map((_, hour) => (hour > 500 && hour < 530 && index === 2 ? 0.08 + chance() * 0.1 : chance() < 0.05 ? 1 / 60 : 0))
      const gap = (hour) => hour > 300 && hour < 306
      return {
        path: path.name, backend: path.backend, pass_rate: dips.map((dip, hour) => (gap(hour) ? null : round(1 - dip, 4))),
        p50_ms: usual.map((ms, hour) => (gap(hour) ? null : round(ms, 1))), p95_ms: usual.map((ms, hour) => (gap(hour) ? null : round(ms * 1.6, 1))),
        p99_ms: usual.map((ms, hour) => (gap(hour) ? null : round(ms * (2.1 + chance()), 1))), slots: at.map(() => 60), told: at.map((_, hour) => (gap(hour) ? 0 : 60)),
      }
    })
    const marks = this.empty ? [] : [[40, 'process_start', 'process started, version 0.4.1'], [306, 'maintenance', 'maintenance ended (mira)'], [300, 'maintenance', 'maintenance begins: store upgrade'], [501, 'leader_change', 'runner leads in term 40'], [640, 'process_start', 'process started, version 0.5.0']]
      .map(([hour, kind, text]) => ({ at: iso(first + hour * HOUR + 900_000), kind, text, node: 'canary-7f9c4-2xk' }))
    return { days, step_ms: HOUR, at, paths, marks }
  }

  result(testId) {
    const row = this.rows.get(testId)
    return row && detailOf(row, this.paths.find((path) => path.name === row.path))
  }
}

function brief({ test_id, path, backend, origin, cycle, registered_at, judged_at, outcome, failure_signal, missing_stages, total_latency_ms, revision }) {
  return { test_id, path, backend, origin, cycle, registered_at, judged_at, outcome, failure_signal, missing_stages, total_latency_ms, revision }
}

function group(rows) {
  const groups = new Map()
  for (const row of rows) groups.set(row.cycle, [...(groups.get(row.cycle) ?? []), row])
  return groups
}

function windowsOf(briefs, empty) {
  const of = (scale) => {
    const count = (outcome) => briefs.filter((row) => row.outcome === outcome).length * scale
    const known = briefs.map((row) => row.total_latency_ms).filter((ms) => ms !== null).sort((a, b) => a - b)
    const at = (share) => (known.length === 0 ? null : known[Math.min(known.length - 1, Math.floor(known.length * share))])
    const [passed, late, failed] = [count('passed'), count('late'), count('failed')]
    const all = passed + late + failed
    return {
      passed, late, failed, inconclusive: count('inconclusive'), skipped: count('skipped'), missed: count('missed'), pending: 0,
      pass_rate: all === 0 || empty ? null : Math.min(1, 1 - (1 - passed / all) / Math.sqrt(scale)), p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99),
    }
  }
  return { '1h': of(1), '24h': of(24), '7d': of(168), '30d': of(720) }
}

function detailOf(row, path) {
  const fired = row.at + 41
  const done = row.total_latency_ms
  const timeline = [{ at: iso(row.at), what: 'registered', via: null }]
  if (row.outcome !== 'skipped' && row.outcome !== 'missed') {
    timeline.push({ at: iso(fired), what: 'fired', via: null }, { at: iso(fired + 96), what: row.failure_signal === 'unavailable' ? 'unavailable' : 'accepted', via: null })
    if (done !== null) path.stages.forEach((what, at) => timeline.push({ at: iso(fired + (done * (at + 1)) / path.stages.length), what, via: row.outcome === 'late' && at > 1 ? 'backstop' : 'live' }))
    else if (row.outcome !== 'pending') timeline.push({ at: iso(fired + 210), what: 'fee_collected', via: 'live' })
    timeline.push({ at: iso(fired + path.deadline), what: 'deadline', via: null })
  }
  if (row.judged_at) timeline.push({ at: row.judged_at, what: 'judged', via: null })
  timeline.sort((a, b) => a.at.localeCompare(b.at))
  const told = {
    passed: `Passed: done ${done?.toFixed(1)} ms after firing, where ${path.deadline / 1000}.000 s are allowed.`, late: `Late: done ${((done ?? 0) / 1000).toFixed(3)} s after firing, where ${path.deadline / 1000}.000 s are allowed, after its deadline.`,
    failed: `Failed: ${row.missing_stages[0] ?? 'the call got no usable answer (HTTP 502)'} was not seen by the deadline at ${iso(fired + path.deadline)}, though the observers certainly looked; seen: fee_collected.`,
    inconclusive: 'Inconclusive: the canary’s own observers did not certainly see everything up to the deadline.', skipped: 'Skipped: the path was paused.', missed: 'Missed: no instance of the canary led when the slot was due.', pending: 'Pending: fired, to be done by its deadline.',
  }
  return {
    ...brief(row), canary: 'prod', source_frame: 'a', dest_frame: path.to, period_ms: 60_000, term: 41, sender: 'did:plc:canary-alpha-6f3k2', receiver: 'did:plc:canary-bravo-9z81m', amount: path.amount,
    transfer_id: row.outcome === 'missed' || row.outcome === 'skipped' ? null : `txn_${row.test_id.slice(0, 13)}`, fired_at: iso(fired), accepted_at: iso(fired + 96), answered_at: iso(fired + 96), fire_status: 'accepted', fire_code: 200, fire_error: null, mismatch: null,
    stamps: {}, completed_at: null, deadline_at: iso(fired + path.deadline), decided_as_of: row.judged_at, latency_basis: done === null ? null : row.outcome === 'late' ? 'event_time' : 'observed', clock_error_ms: 0.4, landed: null, timeline, explanation: told[row.outcome], evidence: row.outcome === 'failed' ? evidence(row, iso(fired + path.deadline)) : null,
  }
}
