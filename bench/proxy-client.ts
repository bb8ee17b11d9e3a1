// The proxy as the bench sees it.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface LineCounts {
  requests: number;
  bytesUp: number;
  bytesDown: number;
  /** From the request being sent to its answer being complete, over all requests. */
  serverMs: number;
}

type Ask =
  | { do: 'open'; latencyMs: number }
  | { do: 'latency'; port: number; latencyMs: number }
  | { do: 'take' | 'close'; port: number };
export type ProxyCall = Ask & { id: number };
export interface ProxyReply {
  id: number;
  port?: number;
  counts?: LineCounts;
}

/** A way to the server with counts of its own. */
export class Line {
  readonly url: string;
  readonly #proxy: Proxy;
  readonly #port: number;

  constructor(proxy: Proxy, port: number) {
    this.#proxy = proxy;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** What passed since the last time. Waits until nothing is under way. */
  async take(): Promise<LineCounts> {
    return (await this.#proxy.ask({ do: 'take', port: this.#port })).counts as LineCounts;
  }

  async close(): Promise<LineCounts> {
    return (await this.#proxy.ask({ do: 'close', port: this.#port })).counts as LineCounts;
  }

  async setLatency(latencyMs: number): Promise<void> {
    await this.#proxy.ask({ do: 'latency', port: this.#port, latencyMs });
  }
}

export class Proxy {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: ProxyReply) => void>();
  #calls = 0;

  constructor(serverUrl: string) {
    this.#child = fork(fileURLToPath(new URL('proxy.js', import.meta.url)), [serverUrl]);
    this.#child.on('message', (reply: ProxyReply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    this.#child.on('exit', (code) => {
      if (this.#waiting.size > 0) throw new Error(`The proxy ended with ${code}`);
    });
  }

  async open(latencyMs: number): Promise<Line> {
    return new Line(this, (await this.ask({ do: 'open', latencyMs })).port as number);
  }

  ask(question: Ask): Promise<ProxyReply> {
    const id = this.#calls++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ ...question, id });
    });
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await gone;
  }
}
