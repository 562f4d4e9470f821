// Checks a maintenance window before it is asked for.
import type { MaintenanceRequest } from '../api/types'

export interface Draft {
  /** As `<input type="datetime-local">` gives them: the reader's own zone, no offset. */
  from: string
  to: string
  paths: string[]
  reason: string
}

const LONGEST_MS = 30 * 86_400_000

/** The request, or what is wrong with the draft. */
export function requestOf(draft: Draft, allPaths: number, now: number): MaintenanceRequest | string {
  const from = Date.parse(draft.from)
  const to = Date.parse(draft.to)
  if (Number.isNaN(from) || Number.isNaN(to)) return 'Give a beginning and an end.'
  if (to <= from) return 'The end has to be after the beginning.'
  if (to <= now) return 'The end is in the past.'
  if (to - from > LONGEST_MS) return 'A window is at most 30 days long; pause the paths instead.'
  if (draft.paths.length === 0) return 'Choose at least one path.'
  if (draft.reason.trim() === '') return 'Say why: it is written into the audit and onto the trend.'
  return {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...(draft.paths.length === allPaths ? {} : { paths: draft.paths }),
    reason: draft.reason.trim(),
  }
}

const two = (n: number): string => String(n).padStart(2, '0')

/** A moment for `<input type="datetime-local">`, to the minute. */
export function localInput(ms: number): string {
  const date = new Date(ms)
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}
