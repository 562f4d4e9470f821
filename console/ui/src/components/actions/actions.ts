// What an operator may do, each with the words it is confirmed by.
import type { Api } from '../../api/client'
import type { PathRow } from '../../api/types'

export type Asked =
  | { kind: 'fire' | 'pause' | 'resume'; row: PathRow }
  | { kind: 'end-maintenance' }
  | { kind: 'maintenance' }

export interface Words {
  title: string
  text: string
  button: string
  asksReason: boolean
}

export function wordsOf(asked: Asked): Words {
  switch (asked.kind) {
    case 'fire':
      return {
        title: `Fire ${asked.row.path} now?`,
        text: `This moves ${asked.row.amount} AVT from ${asked.row.agent.name} (${asked.row.source_frame} → ${asked.row.dest_frame}, ${asked.row.backend}) at once. The test is marked as fired by hand and stays out of all rates.`,
        button: 'Fire now',
        asksReason: false,
      }
    case 'pause':
      return {
        title: `Pause ${asked.row.path}?`,
        text: 'Nothing is fired on this path until somebody resumes it: its slots become “skipped”, and nobody watches it meanwhile.',
        button: 'Pause',
        asksReason: true,
      }
    case 'resume':
      return {
        title: `Resume ${asked.row.path}?`,
        text: `From the next cycle on ${asked.row.amount} AVT a cycle move again on this path.`,
        button: 'Resume',
        asksReason: false,
      }
    case 'end-maintenance':
      return {
        title: 'End maintenance?',
        text: 'All windows that are on end now, and those that are planned are taken back. Firing goes on from the next cycle.',
        button: 'End maintenance',
        asksReason: false,
      }
    case 'maintenance':
      return { title: 'Maintenance window', text: '', button: 'Set window', asksReason: true }
  }
}

/** Does it; answers the id of a test that was fired. */
export async function perform(api: Api, asked: Asked, reason: string): Promise<string | null> {
  switch (asked.kind) {
    case 'fire':
      return (await api.fire(asked.row.path)).test_id
    case 'pause':
      await api.pause(asked.row.path, reason)
      return null
    case 'resume':
      await api.resume(asked.row.path)
      return null
    case 'end-maintenance':
      await api.endMaintenance()
      return null
    case 'maintenance':
      return null
  }
}
