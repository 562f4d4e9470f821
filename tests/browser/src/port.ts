// Ports for servers that a test starts, and may start again later on the same one.
//
// They lie below the range that the kernel gives to outgoing connections, so that none of those takes a port while its
// server is down. Another worker may be looking at the same moment, so each begins elsewhere.

import { createServer } from 'node:net'

const FIRST = 21_000
const COUNT = 9_000

let next = process.pid * 31

/** A port of 127.0.0.1 that nobody listens on at this moment, and that no other call of this process gets. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    next += 7
    const port = FIRST + (next % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(false)
    })
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => {
        resolve(true)
      })
    })
  })
}
