// Changes to the `canary.toml` that `canary sandbox --write-config` writes.

/** What a test may want otherwise; spans as in the file, like `2s`. */
export interface Cadence {
  fire_every?: string
  spread?: string
  sweep_every?: string
  /** Shorter than the deadline. */
  call_timeout?: string
  watch?: string
  /** Of all backends. */
  deadline?: string
}

/** What every test begins with: a cycle that fills a page within seconds. */
export const QUICK: Cadence = { fire_every: '2s', spread: '1s', sweep_every: '1s', call_timeout: '2s', deadline: '4s' }

/** The file's text with another cadence, and what its `[console]` holds. */
export function changed(toml: string, cadence: Cadence, console: string[]): string {
  const { deadline, ...spans } = cadence
  let text = toml
  for (const [key, value] of Object.entries(spans)) text = set(text, key, value)
  if (deadline !== undefined) {
    for (const backend of ['intra', 'async', '"2pc"']) text = set(text, backend, deadline)
  }
  return text.replace(/^\[console\]\nlisten = .*$/m, ['[console]', ...console].join('\n'))
}

/** Paths within frame a, beside those of the matrix. */
export function extraPaths(count: number): string {
  const path = (name: string) =>
    `\n[[paths]]\nname = "${name}"\nbackend = "intra"\nfrom = "alpha"\nto = "bravo"\namount = "0.01"\n`
  return Array.from({ length: count }, (_, index) => path(`extra-${String(index + 1)}`)).join('')
}

function set(toml: string, key: string, value: string): string {
  const line = new RegExp(`^${key} = .*$`, 'm')
  if (!line.test(toml)) throw new Error(`the configuration has no ${key}`)
  return toml.replace(line, `${key} = "${value}"`)
}
