import vue from '@vitejs/plugin-vue'
import { loadEnv } from 'vite'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, '.', 'CANARY_')
  return {
    base: '/ui/',
    plugins: [vue()],
    define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
    // The policy is `script-src 'self'; style-src 'self'`: everything is a file of its own, nothing is inlined.
    build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
    // The Host header stays the page's own, or the API's check of the Origin would refuse every action.
    server: { proxy: { '/api': { target: env.CANARY_URL ?? 'http://127.0.0.1:8080', changeOrigin: false } } },
    test: { include: ['tests/**/*.test.ts'], environment: 'node' },
  }
})
