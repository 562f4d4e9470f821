// The canary view as one route module: the platform's own registry UI can take this record as it is.
import type { RouteRecordRaw } from 'vue-router'

export const canaryRoutes: RouteRecordRaw[] = [
  {
    path: '/admin/canaries',
    name: 'canaries',
    component: () => import('./components/CanaryView.vue'),
  },
]
