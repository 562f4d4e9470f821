// Work that is done only while somebody looks.

export const isHidden = (): boolean => document.visibilityState === 'hidden'

/** Runs every so often while the document is visible; answers how to end it. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(() => {
    if (!isHidden()) run()
  }, ms)
  return () => clearInterval(timer)
}

export function onVisible(run: () => void): () => void {
  const listener = (): void => {
    if (!isHidden()) run()
  }
  document.addEventListener('visibilitychange', listener)
  return () => document.removeEventListener('visibilitychange', listener)
}

/** At most once in so long, the last call never lost. */
export function paced(ms: () => number, run: () => void): { call(): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | null = null
  return {
    call() {
      timer ??= setTimeout(() => {
        timer = null
        run()
      }, ms())
    },
    cancel() {
      if (timer !== null) clearTimeout(timer)
      timer = null
    },
  }
}
