import { expect, test } from 'vitest'

import type { LogSearch } from '../src/api/evidence'
import { searched } from '../src/logic/evidence'

const log = (more: Partial<LogSearch>): LogSearch => ({ at: '2026-11-21T01:22:33.123456Z', status: 200, body: 'a line', truncated: false, error: null, ...more })

test('what was not asked is not spoken of', () => {
  expect(searched(null)).toBeNull()
})

test('an answer says when it was asked for, and whether there was more', () => {
  expect(searched(log({}))?.what).toMatch(/^The platform’s logs, asked at \d\d:22:33$/)
  expect(searched(log({ truncated: true }))).toMatchObject({ what: expect.stringContaining('the first 16 KB'), body: 'a line' })
  expect(searched(log({ body: ' \n' }))).toMatchObject({ what: expect.stringContaining('say nothing'), body: null })
})

test('a search that failed says why, and shows what the server said', () => {
  expect(searched(log({ status: null, body: null, error: 'no answer in time' }))).toEqual({ what: 'The platform’s logs could not be searched: no answer in time', body: null })
  expect(searched(log({ status: 403 }))).toMatchObject({ what: expect.stringContaining('HTTP 403'), body: 'a line' })
})
