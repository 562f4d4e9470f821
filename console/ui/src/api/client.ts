// Questions to the admin API. Every failure becomes an `ApiError` that says what happened and what helps.
import type {
  About,
  Cycles,
  Held,
  MaintenanceRequest,
  Reactors,
  Result,
  Scoreboard,
  Session,
  Trend,
} from './types'

export const API = '/api/v1/canaries'
/** A question that has had no answer for this long counts as unanswered. */
const PATIENCE_MS = 15_000

interface Problem {
  title?: string
  detail?: string
}

/** Why a question was not answered. `status` is 0 where no answer came at all. */
export class ApiError extends Error {
  readonly status: number
  readonly remedy: string
  /** Seconds that the API asks to wait, if it does. */
  readonly retryAfter: number | null

  constructor(status: number, message: string, remedy: string, retryAfter: number | null = null) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.remedy = remedy
    this.retryAfter = retryAfter
  }

  get isAway(): boolean {
    return this.status === 0 || this.status >= 502
  }
}

/** What a person can do about a status. */
export function remedyOf(status: number, retryAfter: number | null): string {
  switch (status) {
    case 0:
      return 'Check that the canary runs and that this machine reaches it; the page keeps trying.'
    case 401:
      return 'Sign in again.'
    case 403:
      return 'Ask an operator, or sign in with an operator’s token.'
    case 404:
      return 'It may have been pruned, or the configuration may have changed; reload the page.'
    case 429:
      return `Wait ${retryAfter ?? 'a few'} seconds and try again.`
    case 422:
      return 'Correct the value and try again.'
    case 503:
      return 'A store of the canary is away; the page keeps trying.'
    default:
      return status >= 500 ? 'The canary’s log says more; the page keeps trying.' : 'Reload the page.'
  }
}

/** The error of an answer that is not 2xx; its body is a problem document if all is well. */
export function errorOf(status: number, body: unknown, retryHeader: string | null): ApiError {
  const problem: Problem = typeof body === 'object' && body !== null ? body : {}
  const seconds = retryHeader === null ? Number.NaN : Number.parseInt(retryHeader, 10)
  const retryAfter = Number.isNaN(seconds) ? null : seconds
  const title = problem.title ?? `The API answered ${status}`
  const message = problem.detail ? `${title}: ${problem.detail}` : title
  return new ApiError(status, message, remedyOf(status, retryAfter), retryAfter)
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response
  try {
    response = await fetch(API + path, {
      method,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
  } catch (cause) {
    const slow = cause instanceof DOMException && cause.name === 'TimeoutError'
    throw new ApiError(0, slow ? 'The API gave no answer in time' : 'The API can’t be reached', remedyOf(0, null))
  }
  if (!response.ok) {
    throw errorOf(response.status, await response.json().catch(() => null), response.headers.get('retry-after'))
  }
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiError(response.status, 'The API’s answer is no JSON', 'Reload the page; a proxy may be in between.')
  }
}

const get = <T>(path: string) => ask<T>('GET', path)
const post = <T>(path: string, body: unknown) => ask<T>('POST', path, body)
const of = (path: string) => `/paths/${encodeURIComponent(path)}`

export const api = {
  session: () => get<Session>('/session'),
  signIn: (token: string) => post<Session>('/session', { token }),
  signOut: () => ask<undefined>('DELETE', '/session'),
  scoreboard: () => get<Scoreboard>(''),
  cycles: (minutes: number) => get<Cycles>(`/cycles?minutes=${minutes}`),
  reactors: () => get<Reactors>('/reactors'),
  trend: (days: number) => get<Trend>(`/trend?days=${days}`),
  about: () => get<About>('/about'),
  result: (testId: string) => get<Result>(`/results/${encodeURIComponent(testId)}`),
  fire: (path: string) => post<{ test_id: string }>(`${of(path)}/fire`, {}),
  pause: (path: string, reason: string) =>
    post<{ path: string; held: Held }>(`${of(path)}/pause`, reason ? { reason } : {}),
  resume: (path: string) => post<{ path: string; held: Held | null }>(`${of(path)}/resume`, {}),
  maintain: (request: MaintenanceRequest) => post<unknown>('/maintenance', request),
  endMaintenance: () => post<{ ended: number }>('/maintenance/end', {}),
}

export type Api = typeof api
