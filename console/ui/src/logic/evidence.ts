// What a search of the platform's logs came to, in words.
import type { LogSearch } from '../api/evidence'
import { clock } from './format'

export interface Searched {
  what: string
  body: string | null
}

/** Null: nothing was asked, or not yet. */
export function searched(log: LogSearch | null): Searched | null {
  if (!log) return null
  if (log.status === null) return { what: `The platform’s logs could not be searched: ${log.error ?? 'no answer'}`, body: null }
  const good = log.status >= 200 && log.status < 300
  const body = log.body && log.body.trim() !== '' ? log.body : null
  const said = good ? (body ? 'The platform’s logs' : 'The platform’s logs say nothing') : `The log server answered HTTP ${log.status}`
  return { what: `${said}, asked at ${clock(log.at)}${log.truncated ? ', the first 16 KB' : ''}`, body }
}
