import { expect, test } from 'vitest'

import { canaryRoutes } from '../src/routes'

test('the view is one route that could be lifted into another router', () => {
  expect(canaryRoutes.map((route) => route.path)).toEqual(['/admin/canaries'])
})
