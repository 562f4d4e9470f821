// A platform of one's own and a canary on it: the real binary twice, on free ports, with embedded stores in a folder that
// goes with the test.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { Api } from './api'
import { type Cadence, QUICK, changed, extraPaths } from './config'
import type { Rule } from './faults'
import { Guardian } from './guardian'
import { freePort } from './port'
import { Process } from './process'
import { type Token, tokenLines } from './token'

export interface Plan {
  cadence?: Cadence
  /** Who may sign in; without tokens everybody on this machine is an operator. */
  tokens?: Token[]
  /** So many paths more than the matrix has, for a test that needs many outcomes soon. */
  morePaths?: number
}

export class Deployment {
  private canary: Process | undefined

  private constructor(
    private readonly guardian: Guardian,
    private readonly sandbox: Process,
    private readonly control: string,
    private readonly config: string,
    /** Of the console, without a slash at its end. */
    readonly origin: string,
    readonly api: Api,
  ) {}

  /** Starts the platform, then the canary, and waits until it is ready. */
  static async start(plan: Plan = {}): Promise<Deployment> {
    const guardian = await Guardian.start()
    try {
      const deployment = await Deployment.prepare(guardian, plan)
      await deployment.run()
      return deployment
    } catch (error) {
      await guardian.end()
      throw error
    }
  }

  private static async prepare(guardian: Guardian, plan: Plan): Promise<Deployment> {
    const [a, b, console] = [await freePort(), await freePort(), await freePort()]
    const args = ['sandbox', '--ports', String(a), String(b), '--write-config', guardian.folder]
    const sandbox = await Process.start(guardian, args)
    const said = (pattern: RegExp) => sandbox.until('the sandbox', 20, () => pattern.exec(sandbox.log)?.[1])
    const control = await said(/^frame a .* control (\S+)$/m)
    const config = await said(/^configuration (\S+)$/m)

    const settings = [`listen = "127.0.0.1:${String(console)}"`]
    if (plan.tokens !== undefined) {
      const file = join(guardian.folder, 'admin.tokens')
      await writeFile(file, tokenLines(plan.tokens))
      settings.push(`admin_token_file = ${JSON.stringify(file)}`)
    }
    const toml = await readFile(config, 'utf8')
    const text = changed(toml, { ...QUICK, ...plan.cadence }, settings) + extraPaths(plan.morePaths ?? 0)
    await writeFile(config, text)
    const origin = `http://127.0.0.1:${String(console)}`
    const api = new Api(origin, plan.tokens?.find(({ role }) => role === 'operator'))
    return new Deployment(guardian, sandbox, control, config, origin, api)
  }

  /** The admin page. */
  get page(): string {
    return `${this.origin}/ui#/admin/canaries`
  }

  /** The canary's process id. */
  get pid(): number {
    if (this.canary === undefined) throw new Error('the canary does not run')
    return this.canary.pid
  }

  /** Starts the canary, again after `stop`, and waits until it is ready. */
  async run(): Promise<void> {
    const canary = await Process.start(this.guardian, ['run', '--config', this.config])
    this.canary = canary
    await canary.until('the canary is ready', 30, async () => (await this.api.status('/readyz')) === 200)
  }

  /** Stops the canary; the platform goes on. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.canary?.stop(signal)
    this.canary = undefined
  }

  /** Replaces the platform's faults. */
  async faults(...rules: Rule[]): Promise<void> {
    const answer = await fetch(`${this.control}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rules }),
    })
    if (!answer.ok) throw new Error(`the sandbox refused the faults: ${await answer.text()}`)
  }

  async end(): Promise<void> {
    await this.stop()
    await this.sandbox.stop()
    await this.guardian.end()
  }
}
