// @vitest-environment happy-dom
// The whole view on an API that answers from memory.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type App as VueApp, createApp, nextTick } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'

import App from '../src/App.vue'
import type { Brief, Role } from '../src/api/types'
import { canaryRoutes } from '../src/routes'
import { at, board, brief, cycles, reactor, row } from './make'

vi.mock('uplot', () => ({ default: class { width = 0; setSize() { return this.width } destroy() { return undefined } } }))

class FakeSource {
  static last: FakeSource
  on = new Map<string, (event: { data: string; lastEventId: string }) => void>()
  constructor(readonly url: string) {
    FakeSource.last = this
  }
  addEventListener(type: string, listener: (event: { data: string; lastEventId: string }) => void): void {
    this.on.set(type, listener)
  }
  close(): void {
    this.on.clear()
  }
  say(type: string, data: unknown, id = ''): void {
    this.on.get(type)?.({ data: JSON.stringify(data), lastEventId: id })
  }
}

let app: VueApp
let role: Role
let signedIn: boolean
let calls: string[]
let id = 0

function answer(method: string, path: string): [number, unknown] {
  if (path === '/session' && method === 'POST') signedIn = true
  if (!signedIn) return [401, { title: 'A bearer token is needed' }]
  if (path === '/session') return [200, { name: 'mira', role, auth: 'session' }]
  if (path === '') return [200, board([row({ last: brief(), recent: [brief()] }), row({ path: 'q' })])]
  if (path.startsWith('/cycles')) return [200, cycles(['p', 'q'], [{ p: brief() }])]
  if (path === '/reactors') return [200, { now: at(0), board: 'available', reactors: [reactor()] }]
  if (path.startsWith('/trend')) return [200, { days: 30, step_ms: 3_600_000, at: [], paths: [], marks: [] }]
  if (path.endsWith('/fire')) return [202, { test_id: 'fired-1' }]
  return [404, { title: 'Not found', detail: path }]
}

async function mount(): Promise<void> {
  document.body.innerHTML = '<div id="app"></div>'
  const router = createRouter({ history: createMemoryHistory(), routes: canaryRoutes })
  await router.push('/admin/canaries')
  app = createApp(App).use(router)
  app.mount('#app')
  await settle()
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve()
  await nextTick()
}

const find = (selector: string): HTMLElement | null => document.querySelector<HTMLElement>(selector)
const text = (testId: string): string => find(`[data-testid=${testId}]`)?.textContent ?? ''
const outcome = async (given: Partial<Brief>): Promise<void> => {
  id += 1
  FakeSource.last.say('outcome', brief({ test_id: `live-${id}`, ...given }), String(id))
  await settle()
}

beforeEach(() => {
  ;[role, signedIn, calls, id] = ['operator', true, [], 0]
  vi.stubGlobal('EventSource', FakeSource)
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const path = url.replace('/api/v1/canaries', '')
    calls.push(`${init.method} ${path}`)
    const [status, body] = answer(init.method ?? 'GET', path)
    return Promise.resolve(new Response(JSON.stringify(body), { status }))
  })
})

afterEach(() => {
  app.unmount()
  vi.unstubAllGlobals()
})

test('every block shows, in the order of the page, and the title carries the state', async () => {
  await mount()
  const blocks = [...document.querySelectorAll('[data-testid]')].map((each) => each.getAttribute('data-testid'))
  const order = ['state-line', 'hero', 'scoreboard', 'cycle-matrix', 'reactors', 'trend', 'event-log']
  expect(blocks.filter((each) => order.includes(each ?? ''))).toEqual(order)
  expect(document.title).toBe('✓ passing – canaries (prod)')
  expect(find('[data-cycle][data-path=p]')?.dataset['outcome']).toBe('passed')
  expect(find('[data-cycle][data-path=q]')?.dataset['outcome']).toBe('none')
})

test('an outcome of the stream reaches matrix, scoreboard and log', async () => {
  await mount()
  await outcome({ path: 'q', outcome: 'failed', failure_signal: 'timeout' })
  expect(find('[data-cycle][data-path=q]')?.dataset['outcome']).toBe('failed')
  expect(find('tr[data-path=q] .last')?.textContent).toContain('Failed')
  expect(find('[data-testid=event-log] [data-test-id=live-1]')?.dataset['outcome']).toBe('failed')
})

test('a collapsed log shows how many came, and the filter hides the others', async () => {
  await mount()
  find('[data-testid=event-log-toggle]')?.click()
  await outcome({})
  await outcome({ outcome: 'late' })
  expect(text('event-log-badge')).toBe('+2')
  find('[data-testid=event-log-toggle]')?.click()
  await settle()
  expect(find('[data-testid=event-log-badge]')).toBeNull()
  find('[data-filter=late]')?.click()
  await settle()
  expect([...document.querySelectorAll<HTMLElement>('[data-testid=event-log] [data-test-id]')].map((entry) => entry.dataset['outcome'])).toEqual(['late'])
})

test('who is not signed in sees the form alone, and the page once the token is accepted', async () => {
  signedIn = false
  await mount()
  expect(find('[data-testid=sign-in]')).not.toBeNull()
  expect(find('[data-testid=hero]')).toBeNull()
  expect(calls).toEqual(['GET /session'])
  const field = find('input[name=token]') as HTMLInputElement
  field.value = 'secret'
  field.dispatchEvent(new Event('input'))
  await settle()
  find('form')?.dispatchEvent(new Event('submit'))
  await settle()
  expect(text('hero')).toContain('prod')
})

test('a session that ends takes what was shown with it', async () => {
  await mount()
  signedIn = false
  FakeSource.last.say('error', {})
  await settle()
  expect(text('sign-in')).toContain('Your session has ended.')
  expect(find('[data-testid=scoreboard]')).toBeNull()
})

test('a viewer’s buttons say why they do nothing', async () => {
  role = 'viewer'
  await mount()
  const fire = find('tr[data-path=p] button[aria-label="Fire p now"]')
  expect(fire?.getAttribute('aria-disabled')).toBe('true')
  expect(fire?.title).toContain('Only operators')
  fire?.click()
  await settle()
  expect(find('[data-testid=action-dialog]')).toBeNull()
})

test('firing asks first, then fires once', async () => {
  await mount()
  find('tr[data-path=p] button[aria-label="Fire p now"]')?.click()
  await settle()
  expect(text('action-dialog')).toContain('0.01 AVT')
  expect(calls.filter((call) => call.startsWith('POST'))).toEqual([])
  find('[data-testid=action-dialog]')?.dispatchEvent(new Event('submit'))
  await settle()
  expect(calls.filter((call) => call.startsWith('POST'))).toEqual(['POST /paths/p/fire'])
  await vi.waitFor(() => expect(find('[data-testid=test-drawer]')).not.toBeNull())
})

test('a lost stream is told and heals', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    await mount()
    FakeSource.last.say('snapshot', { head: 4, state: 'passing', paths: [] }, '4')
    FakeSource.last.say('error', {})
    await settle()
    expect(text('state-line')).toContain('Stale since')
    expect(document.title).toContain('stale')
    vi.advanceTimersByTime(1_000)
    expect(FakeSource.last.url).toContain('last_event_id=4')
    FakeSource.last.say('open', {})
    await settle()
    expect(text('state-line')).not.toContain('Stale')
  } finally {
    vi.useRealTimers()
  }
})
