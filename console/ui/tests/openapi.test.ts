// The hand-written shapes against the document that the API generates from its own code. What is asked of each type here
// is worked out by the compiler, so neither side can change alone.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import type { Evidence, LogSearch, Watcher } from '../src/api/evidence'
import {
  type About,
  type AboutBlock,
  type AgentBalance,
  type Brief,
  type Cycle,
  type Cycles,
  type Hold,
  type Leader,
  type Mark,
  OUTCOMES,
  type PathRow,
  type Reactor,
  type Reactors,
  type Result,
  type Scoreboard,
  type Session,
  type Stamp,
  type TimelineEvent,
  type Trend,
  type TrendPath,
  WINDOWS,
  type WindowCounts,
} from '../src/api/types'

interface Schema {
  type?: string | string[]
  enum?: string[]
  required?: string[]
  properties?: Record<string, Schema>
  oneOf?: Schema[]
}

const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8')) as { paths: Record<string, object>; components: { schemas: Record<string, Schema> } }
const schemas = document.components.schemas

type Shape<T> = { [K in keyof T]-?: null extends T[K] ? 'nullable' : 'given' }

const isNullable = (schema: Schema): boolean => (Array.isArray(schema.type) && schema.type.includes('null')) || (schema.oneOf ?? []).some((one) => one.type === 'null')
const shapeOf = (name: string): Record<string, string> => Object.fromEntries(Object.entries(schemas[name]?.properties ?? {}).map(([field, schema]) => [field, isNullable(schema) ? 'nullable' : 'given']))

const same = <T>(name: string, shape: Shape<T>): void => {
  test(name, () => expect(shapeOf(name)).toEqual(shape))
}

describe('every shape is the API’s', () => {
  same<Brief>('Brief', { test_id: 'given', path: 'given', backend: 'given', origin: 'given', cycle: 'nullable', registered_at: 'given', judged_at: 'nullable', outcome: 'given', failure_signal: 'nullable', missing_stages: 'given', total_latency_ms: 'nullable', revision: 'given' })
  same<Scoreboard>('Scoreboard', { canary: 'given', now: 'given', as_of: 'given', board: 'given', state: 'given', period_ms: 'given', next_fire_at: 'given', leaders: 'given', windows: 'given', holds: 'given', paths: 'given' })
  same<PathRow>('PathRow', { path: 'given', backend: 'given', source_frame: 'given', dest_frame: 'given', amount: 'given', state: 'given', held: 'nullable', last: 'nullable', last_pass_at: 'nullable', consecutive_failures: 'given', recent: 'given', windows: 'given', agent: 'given' })
  same<AgentBalance>('Agent', { name: 'given', balance: 'nullable', runway_seconds: 'nullable', at: 'nullable' })
  same<WindowCounts>('Window', { passed: 'given', late: 'given', failed: 'given', inconclusive: 'given', skipped: 'given', missed: 'given', pending: 'given', pass_rate: 'nullable', p50_ms: 'nullable', p95_ms: 'nullable', p99_ms: 'nullable' })
  same<Leader>('Leader', { role: 'given', node: 'nullable', term: 'nullable' })
  same<Hold>('PlacedHold', { kind: 'given', path: 'nullable', from: 'given', until: 'nullable', actor: 'given', reason: 'given' })
  same<Cycles>('Cycles', { period_ms: 'given', paths: 'given', cycles: 'given' })
  same<Cycle>('Cycle', { cycle: 'given', at: 'given', slots: 'given' })
  same<Reactors>('Reactors', { now: 'given', board: 'given', reactors: 'given' })
  same<Reactor>('Reactor', { frame: 'given', event_type: 'given', node: 'given', connected: 'given', position: 'nullable', covered_since: 'nullable', covered_until: 'nullable', last_event_at: 'nullable', events_total: 'given', matched_total: 'given', reconnects_total: 'given' })
  same<Trend>('Trend', { days: 'given', step_ms: 'given', at: 'given', paths: 'given', marks: 'given' })
  same<TrendPath>('TrendPath', { path: 'given', backend: 'given', pass_rate: 'given', p50_ms: 'given', p95_ms: 'given', p99_ms: 'given', slots: 'given', told: 'given' })
  same<Mark>('Mark', { at: 'given', kind: 'given', text: 'given', node: 'nullable' })
  same<About>('About', { blocks: 'given' })
  same<AboutBlock>('Block', { id: 'given', title: 'given', intro: 'given', columns: 'given', rows: 'given' })
  same<TimelineEvent>('TimelineEvent', { at: 'given', what: 'given', via: 'nullable' })
  same<Stamp>('Stamp', { seen: 'given', occurred: 'given', via: 'given', frame: 'given', position: 'given' })
  same<Evidence>('Evidence', { observed_at: 'given', reactors: 'given', log: 'nullable' })
  same<Watcher>('Watcher', { frame: 'given', event_type: 'given', node: 'given', connected: 'given', position: 'nullable', covered_since: 'nullable', covered_until: 'nullable', last_event_at: 'nullable', covers: 'given' })
  same<LogSearch>('LogSearch', { at: 'given', status: 'nullable', body: 'nullable', truncated: 'given', error: 'nullable' })
  same<Session>('Session', { name: 'given', role: 'given', auth: 'given' })

  test('a result, of which the page reads a part', () => {
    const read: Shape<Omit<Result, 'timeline' | 'explanation' | 'evidence'>> = {
      test_id: 'given', path: 'given', backend: 'given', origin: 'given', cycle: 'nullable', registered_at: 'given', judged_at: 'nullable', outcome: 'given', failure_signal: 'nullable', missing_stages: 'given', total_latency_ms: 'nullable', revision: 'given',
      canary: 'given', source_frame: 'given', dest_frame: 'given', period_ms: 'nullable', term: 'given', sender: 'given', receiver: 'given', amount: 'given', transfer_id: 'nullable', fired_at: 'nullable', accepted_at: 'nullable', answered_at: 'nullable',
      fire_status: 'nullable', fire_code: 'nullable', fire_error: 'nullable', mismatch: 'nullable', stamps: 'given', completed_at: 'nullable', deadline_at: 'nullable', decided_as_of: 'nullable', latency_basis: 'nullable', clock_error_ms: 'nullable', landed: 'nullable',
    }
    expect(shapeOf('Row')).toMatchObject(read)
  })
})

test('every word that is told apart is the API’s', () => {
  const words: Record<string, readonly string[]> = {
    Outcome: OUTCOMES,
    PathState: ['passing', 'degraded', 'failing', 'unknown', 'paused'] satisfies Scoreboard['state'][],
    Backend: ['intra', 'async', '2pc'] satisfies Brief['backend'][],
    Origin: ['schedule', 'probe', 'fire'] satisfies Brief['origin'][],
    Held: ['paused', 'maintenance'] satisfies PathRow['held'][],
    AccessRole: ['viewer', 'operator'] satisfies Session['role'][],
    Via: ['live', 'replay', 'backstop'] satisfies TimelineEvent['via'][],
  }
  for (const [name, known] of Object.entries(words)) expect([...(schemas[name]?.enum ?? [])].sort(), name).toEqual([...known].sort())
  expect(Object.keys(schemas['Windows']?.properties ?? {}).sort()).toEqual([...WINDOWS].sort())
})

test('every address that is asked is the API’s', () => {
  const asked = ['', '/session', '/cycles', '/reactors', '/trend', '/about', '/stream', '/results/{test_id}', '/paths/{path}/fire', '/paths/{path}/pause', '/paths/{path}/resume', '/maintenance', '/maintenance/end']
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(asked.map((path) => `/api/v1/canaries${path}`)))
})
