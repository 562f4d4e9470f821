// What a file of tests stands on: a deployment and a browser, started before its tests and stopped after them.

import { afterAll, beforeAll } from 'vitest'

import { closeBrowser } from './browser'
import { Deployment, type Plan } from './deployment'

/** One deployment for all tests of a file, which is there once they run. */
export function deployed(plan: Plan = {}): () => Deployment {
  let running: Deployment | undefined
  beforeAll(async () => {
    running = await Deployment.start(plan)
  })
  afterAll(async () => {
    await closeBrowser()
    await running?.end()
  })
  return () => {
    if (running === undefined) throw new Error('the deployment is not there yet')
    return running
  }
}
