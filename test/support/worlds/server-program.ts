// A server written for the tests in another language: settings go in as one line of JSON, out comes the port when it is ready.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endProcess } from '../servers.js';
import type { Account, RunningServer } from './git-server.js';

/** Path of a file beside this one. */
export const besideThis = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What a client with this account sends. */
export function basicAuthorization({ username, password }: Account): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Starts the program on loopback. It serves the repositories of `root` to this account alone. */
export async function startServerProgram(
  program: string,
  args: string[],
  root: string,
  account: Account,
): Promise<RunningServer> {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = `${complaints}${chunk.toString()}`.slice(-4_000);
  });
  child.stdin.write(`${JSON.stringify({ root, authorization: basicAuthorization(account) })}\n`);
  const [line] = (await Promise.race([
    once(readline.createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => []),
  ])) as string[];
  if (line === undefined) throw new Error(`${program} ${args.join(' ')} ended: ${complaints}`);
  return { url: `http://127.0.0.1:${Number(line)}`, close: () => endProcess(child, 'SIGTERM') };
}
