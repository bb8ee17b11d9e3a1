// A TCP line that stops in the middle of an answer and holds it, and what the native engine is doing meanwhile.
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';

export class HeldLine {
  /** Bytes of answers that still pass; without a number, all do. A connection that was held stays so. */
  bytesLeft: number | null = null;
  readonly #sockets = new Set<net.Socket>();
  #wasHeld: () => void = () => undefined;
  /** Bring what was held, each of its connection. */
  readonly #releases: (() => void)[] = [];
  /** Comes when an answer is held for the first time. */
  readonly held = new Promise<void>((resolve) => {
    this.#wasHeld = resolve;
  });

  private constructor(
    private readonly server: net.Server,
    private readonly target: URL,
  ) {
    server.on('connection', (near) => this.#join(near));
  }

  static async open(url: string): Promise<HeldLine> {
    const line = new HeldLine(net.createServer(), new URL(url));
    await new Promise<void>((resolve) => line.server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  /** The URL with this line in the place of its host and port. */
  through(url: string): string {
    const { port } = this.server.address() as AddressInfo;
    return url.replace(this.target.host, `127.0.0.1:${port}`);
  }

  /** Lets what was held pass, and all that comes. */
  release(): void {
    this.bytesLeft = null;
    for (const bring of this.#releases.splice(0)) bring();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #join(near: net.Socket): void {
    let isHeld = false;
    const kept: Buffer[] = [];
    const far = net.connect(Number(this.target.port), this.target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        // Who is held is not told that the other side has gone.
        if (one === near || !isHeld) other.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      if (isHeld) return void kept.push(chunk);
      if (this.bytesLeft === null) return void near.write(chunk);
      const passing = chunk.subarray(0, this.bytesLeft);
      this.bytesLeft -= passing.length;
      if (passing.length > 0) near.write(passing);
      isHeld = passing.length < chunk.length;
      if (!isHeld) return;
      kept.push(chunk.subarray(passing.length));
      this.#releases.push(() => {
        isHeld = false;
        near.write(Buffer.concat(kept.splice(0)));
        // The host may have lost its patience with a connection that asked for nothing more.
        if (far.destroyed) near.end();
      });
      this.#wasHeld();
    });
  }
}

/** Processes that an engine with this folder has started and that live, as `pid command`. */
export function processesOf(root: string): string[] {
  const mark = `HOME=${path.join(fs.realpathSync(root), 'home')}\0`;
  const living = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return living.filter((pid) => read(`/proc/${pid}/environ`).includes(mark)).map(describe);
}

function describe(pid: string): string {
  return `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`;
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** Folders of repositories below an engine's folder. */
export function repositoriesOf(root: string): string[] {
  const names = fs.readdirSync(root).filter((name) => name.endsWith('.git'));
  return names.map((name) => path.join(root, name)).toSorted();
}

/** Files below the folder whose names fit. */
export function filesBelow(folder: string, name: RegExp): string[] {
  const found = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => name.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name));
}
