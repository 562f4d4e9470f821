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
