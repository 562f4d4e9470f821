// Starts a monitoring server for one test, on a free loopback port, and stops it.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** A port of the loopback interface that nobody listens on right now. */
async function freePort(): Promise<number> {
  const listener = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    listener.on('error', reject).listen(0, '127.0.0.1', () => {
      const address = listener.address();
      if (address && typeof address === 'object') resolve(address.port);
    });
  });
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** Asks until the answer is what it should be. Throws with the last answer after 20 s. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  let last: unknown;
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(50)) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`waited in vain for ${what}`, { cause: last });
}

/** Starts `program`, whose arguments depend on its address and its data folder, and waits until `health` answers 200. */
export async function start(program: string, health: string, args: (listen: string, data: string) => string[]): Promise<Server> {
  const listen = `127.0.0.1:${await freePort()}`;
  const data = mkdtempSync(join(tmpdir(), `${program}-`));
  const child = spawn(program, args(listen, data), { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const exited = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      said.push(error.message);
      resolve();
    });
    child.on('exit', () => resolve());
  });
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(data, { recursive: true, force: true });
  };
  const url = `http://${listen}`;
  try {
    await until(`${program} at ${url}`, async () => ((await fetch(url + health)).ok ? true : undefined));
  } catch (error) {
    await stop();
    throw new Error(`${program} did not start:\n${said.join('').slice(-2_000)}`, { cause: error });
  }
  return { url, stop };
}
