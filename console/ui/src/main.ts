// Mounts the canary view alone, on hash routes as the platform's own UI uses them.
import { createApp } from 'vue'
import { createRouter, createWebHashHistory } from 'vue-router'

import App from './App.vue'
import { canaryRoutes } from './routes'
import './styles/base.css'

const router = createRouter({
  history: createWebHashHistory(),
  routes: [...canaryRoutes, { path: '/:rest(.*)*', redirect: '/admin/canaries' }],
})

createApp(App).use(router).mount('#app')
