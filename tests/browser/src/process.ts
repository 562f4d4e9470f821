// A process of the canary that runs until it is told to stop: its log, its signals, its end.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import type { Guardian } from './guardian'
import { until } from './wait'

/** Lines of the log that an error shows. */
const SHOWN = 60

/** The binary under test. */
export function binary(): string {
  const named = process.env['CANARY_BIN']
  const program = named ?? fileURLToPath(new URL('../../../target/debug/canary', import.meta.url))
  if (!existsSync(program)) throw new Error(`${program} is not there: cargo build -p canary-service, or set CANARY_BIN`)
  return program
}

export class Process {
  private text = ''
  private ended = false

  private constructor(
    private readonly child: ChildProcess,
    private readonly guardian: Guardian,
    private readonly name: string,
  ) {
    for (const output of [child.stdout, child.stderr]) {
      output?.on('data', (bytes: Buffer) => {
        this.text += bytes.toString()
      })
    }
    child.once('exit', () => {
      this.ended = true
    })
  }

  static async start(guardian: Guardian, args: string[]): Promise<Process> {
    const child = spawn(binary(), args, {
      cwd: guardian.folder,
      env: { RUST_LOG: 'info' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error]
      throw error
    }
    const started = new Process(child, guardian, `canary ${args[0] ?? ''}`)
    await guardian.watch(child.pid)
    return started
  }

  get pid(): number {
    return this.child.pid as number
  }

  /** Everything it has printed and logged so far. */
  get log(): string {
    return this.text
  }

  /** Asks until there is an answer; fails at once, with the end of the log, if the process ends meanwhile. */
  async until<T>(what: string, seconds: number, ask: () => T | Promise<T>) {
    try {
      return await until(what, seconds, () => {
        if (this.ended) throw new Error(`${this.name} has ended`)
        return ask()
      })
    } catch (error) {
      throw new Error(`${String(error)}; the end of ${this.name}'s log:\n${this.lastLines()}`)
    }
  }

  /** SIGTERM, or SIGKILL, and its end. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.ended) return
    await this.guardian.forget(this.pid)
    this.child.kill(signal)
    await this.until(`the end after ${signal}`, 15, () => this.ended).catch((error: unknown) => {
      if (!this.ended) throw error
    })
  }

  private lastLines(): string {
    return this.text.split('\n').slice(-SHOWN).join('\n')
  }
}
