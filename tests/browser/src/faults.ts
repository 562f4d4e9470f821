// Faults of the sandbox that the tests use, as `POST /sandbox/faults` takes them.

export interface Rule {
  what: object
  only?: { event_type?: string; backend?: string; frame?: string; first?: number }
}

/** The settlement of a saga is heard of by nobody: `async` times out and misses `cf_settled`. */
export const SETTLED_LOST: Rule = {
  what: { event: 'lost' },
  only: { event_type: 'CrossFrameTransferSettled', backend: 'async' },
}

/** One saga's settlement is heard of after the deadline: in the frame that the canary watches. */
export const LATE_ONCE: Rule = {
  what: { event: { delayed: { by_ms: 6_000 } } },
  only: { event_type: 'CrossFrameTransferSettled', backend: 'async', frame: 'a', first: 1 },
}
