// The shell that owns a deployment's folder and processes: the same as that of the Rust tests (`tests/src/guardian.sh`).
//
// Its standard input is a pipe that this process holds. However this process ends, the kernel closes the pipe, and the
// guardian kills what it watches and removes the folder. It has a process group of its own, so Ctrl-C leaves it alive.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

const SCRIPT = new URL('../../src/guardian.sh', import.meta.url)

export class Guardian {
  private constructor(
    private readonly shell: ChildProcess,
    private readonly answers: AsyncIterator<string>,
    /** Removed at the end. */
    readonly folder: string,
  ) {}

  static async start(): Promise<Guardian> {
    const script = await readFile(SCRIPT, 'utf8')
    const shell = spawn('/bin/sh', ['-c', script], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, LC_ALL: 'C' },
    })
    const answers = createInterface({ input: shell.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
    return new Guardian(shell, answers, await answer(answers))
  }

  async watch(pid: number): Promise<void> {
    await this.order(`watch ${String(pid)}`)
  }

  /** Told when a process has ended by itself, so that no other that gets its id is killed. */
  async forget(pid: number): Promise<void> {
    await this.order(`forget ${String(pid)}`)
  }

  /** Kills what is watched and removes the folder. */
  async end(): Promise<void> {
    const ended = once(this.shell, 'exit')
    this.shell.stdin?.end()
    await ended
  }

  private async order(line: string): Promise<void> {
    this.shell.stdin?.write(`${line}\n`)
    const said = await answer(this.answers)
    if (said !== 'done') throw new Error(`the guardian answered ${said} to ${line}`)
  }
}

async function answer(answers: AsyncIterator<string>): Promise<string> {
  const line = await answers.next()
  if (line.done === true) throw new Error('the guardian is gone')
  return line.value
}
