// The server's clock as the page knows it: the last moment the server named, carried on by the browser's monotonic
// clock. The machine's own time of day may be off by minutes and is never used for an age.
import { type Ref, ref } from 'vue'

export interface ServerClock {
  /** Server time in ms, moved on every second while somebody looks. */
  now: Ref<number>
  sync(at: string): void
  read(): number
}

export function serverClock(): ServerClock {
  let server = Date.now()
  let local = performance.now()
  const now = ref(server)
  const read = (): number => server + (performance.now() - local)
  return {
    now,
    read,
    sync(at) {
      const named = Date.parse(at)
      if (Number.isNaN(named)) return
      server = named
      local = performance.now()
      now.value = named
    },
  }
}
