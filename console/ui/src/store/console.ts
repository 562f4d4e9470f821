// The page's one store: who is signed in, what is known, and the clockwork that keeps it fresh.
import { type ComputedRef, type InjectionKey, type Ref, type ShallowRef, computed, inject, ref, shallowRef, watch } from 'vue'

import { type Api, type ApiError, api as realApi } from '../api/client'
import type { About, Reactors, Session, Trend } from '../api/types'
import { type Phase, type Situation, isStale, stateLine, titleOf } from '../logic/headline'
import { retryAfter } from '../logic/link'
import { type Rated, rated } from '../logic/rates'
import { isEmpty } from '../logic/trend'
import { type ServerClock, serverClock } from './clock'
import { type Live, live } from './live'
import { type Resource, resource } from './resource'
import { every, onVisible } from './visible'

const BOARD_MS = 10_000
const REACTORS_MS = 5_000
const TREND_MS = 60_000

export interface Console {
  api: Api
  clock: ServerClock
  live: Live
  phase: Ref<Phase>
  session: ShallowRef<Session | null>
  /** Why nobody is signed in, where there is more to say than that. */
  notice: ShallowRef<string>
  reactors: Resource<Reactors>
  rates: ShallowRef<Rated[]>
  trend: Resource<Trend>
  trendVisible: Ref<boolean>
  about: Resource<About>
  stale: ComputedRef<boolean>
  line: ComputedRef<string>
  mayAct: ComputedRef<boolean>
  start(): void
  stop(): void
  signIn(token: string): Promise<void>
  signOut(): Promise<void>
}

export const CONSOLE: InjectionKey<Console> = Symbol('console')

export function useConsole(): Console {
  const found = inject(CONSOLE)
  if (!found) throw new Error('a block of the console stands outside its view')
  return found
}

export function createConsole(api: Api = realApi): Console {
  const clock = serverClock()
  const phase = ref<Phase>('checking')
  const session = shallowRef<Session | null>(null)
  const notice = shallowRef('')
  const trendVisible = ref(false)
  const rates = shallowRef<Rated[]>([])

  const failed = (error: ApiError): void => {
    if (error.status !== 401 || phase.value !== 'in') return
    leave()
    notice.value = 'Your session has ended.'
  }
  const parts = live(api, clock, failed)
  const reactors: Resource<Reactors> = resource<Reactors>(async () => {
    const before = reactors.data.value
    const fresh = await api.reactors()
    rates.value = rated(before, fresh)
    return fresh
  }, failed)
  const trend = resource<Trend>(() => api.trend(30), failed)
  const about = resource<About>(() => api.about(), failed)

  const situation = computed<Situation>(() => ({
    phase: phase.value,
    board: parts.board.data.value,
    link: parts.link.value,
    heardAt: parts.heardAt.value,
    trouble: parts.board.error.value?.message ?? null,
  }))
  const stale = computed(() => isStale(situation.value))

  let ends: (() => void)[] = []
  let attempt = 0
  let retry: ReturnType<typeof setTimeout> | undefined

  async function enter(): Promise<void> {
    try {
      admit(await api.session())
    } catch (cause) {
      refuse(cause as ApiError)
    }
  }

  function admit(who: Session): void {
    session.value = who
    notice.value = ''
    attempt = 0
    phase.value = 'in'
    parts.start()
    void reactors.read()
    void trend.read()
  }

  function refuse(error: ApiError): void {
    if (error.status === 401) phase.value = 'out'
    else if (error.status === 403) {
      phase.value = 'forbidden'
      notice.value = error.message
    } else {
      phase.value = 'away'
      notice.value = `${error.message}. ${error.remedy}`
      retry = setTimeout(() => void enter(), retryAfter(attempt++, Math.random()))
    }
  }

  /** What was shown belongs to who was signed in: nothing of it stays. */
  function leave(): void {
    parts.stop()
    for (const part of [reactors, trend, about]) part.clear()
    rates.value = []
    session.value = null
    phase.value = 'out'
  }

  const whileIn = (run: () => void) => (): void => {
    if (phase.value === 'in') run()
  }

  /** A new deployment's first hour is worth waiting for. */
  const hasNoHour = (): boolean => trend.data.value === null || isEmpty(trend.data.value)

  function look(): void {
    clock.now.value = clock.read()
    parts.hurry()
    parts.readAll()
    void reactors.read()
  }

  return {
    api,
    clock,
    live: parts,
    phase,
    session,
    notice,
    reactors,
    rates,
    trend,
    trendVisible,
    about,
    stale,
    line: computed(() => stateLine(situation.value)),
    mayAct: computed(() => session.value?.role === 'operator'),
    start() {
      const online = (): void => parts.hurry()
      window.addEventListener('online', online)
      ends = [
        every(1_000, () => {
          clock.now.value = clock.read()
        }),
        every(BOARD_MS, whileIn(() => void parts.board.read())),
        every(REACTORS_MS, whileIn(() => void reactors.read())),
        every(TREND_MS, whileIn(() => trendVisible.value && void trend.read())),
        every(BOARD_MS, whileIn(() => trendVisible.value && hasNoHour() && void trend.read())),
        onVisible(whileIn(look)),
        () => window.removeEventListener('online', online),
        () => clearTimeout(retry),
        watch(() => titleOf(situation.value), (title) => (document.title = title), { immediate: true }),
      ]
      void enter()
    },
    stop() {
      for (const end of ends) end()
      ends = []
      leave()
    },
    async signIn(token) {
      admit(await api.signIn(token))
    },
    async signOut() {
      await api.signOut()
      notice.value = ''
      leave()
    },
  }
}
