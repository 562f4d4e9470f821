// One question to the API that is asked again and again: the last answer, the last failure, whether it is under way.
//
// Asking while it is asked does not overlap: it is asked once more when the answer is there, so that whoever asks
// gets an answer that is younger than the asking.
import { type ShallowRef, shallowRef } from 'vue'

import { ApiError } from '../api/client'

export interface Resource<T> {
  data: ShallowRef<T | null>
  error: ShallowRef<ApiError | null>
  read(): Promise<void>
  clear(): void
}

export function resource<T>(ask: () => Promise<T>, failed: (error: ApiError) => void): Resource<T> {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  let running: Promise<void> | null = null
  let again = false
  let era = 0

  async function once(): Promise<void> {
    const begun = era
    try {
      const answer = await ask()
      if (begun !== era) return
      data.value = answer
      error.value = null
    } catch (cause) {
      if (begun !== era) return
      error.value = cause instanceof ApiError ? cause : new ApiError(0, String(cause), 'Reload the page.')
      failed(error.value)
    }
  }

  async function run(): Promise<void> {
    do {
      again = false
      await once()
    } while (again)
    running = null
  }

  return {
    data,
    error,
    read() {
      if (running) again = true
      return (running ??= run())
    },
    /** What is still on its way belongs to whoever was signed in then, and is dropped. */
    clear() {
      era += 1
      again = false
      data.value = null
      error.value = null
    },
  }
}
