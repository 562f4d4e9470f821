// The admin API as the tests read it, to compare with what the page shows. Shapes are those of its OpenAPI document, as
// far as the tests look at them.

import type { Token } from './token'

export interface Brief {
  test_id: string
  path: string
  origin: string
  cycle: number | null
  registered_at: string
  judged_at: string | null
  outcome: string
  failure_signal: string | null
  missing_stages: string[]
}

export interface Scoreboard {
  state: string
  paths: { path: string; state: string; held: string | null; agent: { name: string; balance: string | null } }[]
}

export interface Cycles {
  paths: string[]
  cycles: { cycle: number; slots: Record<string, Brief> }[]
}

export interface About {
  blocks: { id: string; title: string; rows: string[][] }[]
}

export class Api {
  constructor(
    private readonly origin: string,
    private readonly token: Token | undefined,
  ) {}

  /** The status of a GET, or undefined while nobody answers. */
  async status(path: string): Promise<number | undefined> {
    try {
      return (await fetch(this.origin + path)).status
    } catch {
      return undefined
    }
  }

  scoreboard(): Promise<Scoreboard> {
    return this.get('')
  }

  cycles(): Promise<Cycles> {
    return this.get('/cycles?minutes=60')
  }

  about(): Promise<About> {
    return this.get('/about')
  }

  /** The newest rows with an outcome. */
  async results(outcome: string, limit = 100): Promise<Brief[]> {
    const page = await this.get<{ results: Brief[] }>(`/results?outcome=${outcome}&limit=${String(limit)}`)
    return page.results
  }

  /** One operation under `/api/v1/canaries`. */
  async get<T>(path: string): Promise<T> {
    const headers: Record<string, string> =
      this.token === undefined ? {} : { authorization: `Bearer ${this.token.secret}` }
    const answer = await fetch(`${this.origin}/api/v1/canaries${path}`, { headers })
    if (!answer.ok) throw new Error(`GET ${path}: ${String(answer.status)} ${await answer.text()}`)
    return (await answer.json()) as T
  }
}
