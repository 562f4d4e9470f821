// Tokens of the admin API, and the file that holds their hashes.

import { createHash } from 'node:crypto'

export interface Token {
  name: string
  role: 'viewer' | 'operator'
  /** What is sent. */
  secret: string
}

export const VIEWER: Token = { name: 'vera', role: 'viewer', secret: 'a-token-for-looking-0123456789' }
export const OPERATOR: Token = { name: 'oskar', role: 'operator', secret: 'a-token-for-acting-0123456789' }

/** `name:role:sha256hex`, a line each. */
export function tokenLines(tokens: Token[]): string {
  const hash = (secret: string) => createHash('sha256').update(secret).digest('hex')
  return tokens.map(({ name, role, secret }) => `${name}:${role}:${hash(secret)}\n`).join('')
}
