// The canary view as one route module: the platform's own registry UI can take this record as it is.
import type { RouteRecordRaw } from 'vue-router'

import CanaryView from './components/CanaryView.vue'

export const canaryRoutes: RouteRecordRaw[] = [
  {
    path: '/admin/canaries',
    name: 'canaries',
    component: CanaryView,
  },
]
