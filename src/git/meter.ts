// Counts what the HTTP client of this process sends and receives. It listens at the client's own diagnostics channels, so
// that the engine carries no counters and a process that does not measure pays nothing.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export interface Traffic {
  /** Requests whose head was sent. */
  requests: number;
  /** Bytes of HTTP, heads and framing included, before encryption. */
  bytesUp: number;
  bytesDown: number;
}

const REQUEST_SENT = 'undici:client:sendHeaders';
const CONNECTED = 'undici:client:connected';

export class Meter {
  readonly #sockets = new Set<Socket>();
  #requests = 0;

  private constructor() {
    subscribe(REQUEST_SENT, this.#countRequest);
    subscribe(CONNECTED, this.#noteSocket);
  }

  /** Counts from here on, on connections made from here on. */
  static start(): Meter {
    return new Meter();
  }

  read(): Traffic {
    let [bytesUp, bytesDown] = [0, 0];
    for (const socket of this.#sockets) {
      bytesUp += socket.bytesWritten;
      bytesDown += socket.bytesRead;
    }
    return { requests: this.#requests, bytesUp, bytesDown };
  }

  stop(): void {
    unsubscribe(REQUEST_SENT, this.#countRequest);
    unsubscribe(CONNECTED, this.#noteSocket);
  }

  readonly #countRequest = (): void => {
    this.#requests++;
  };

  readonly #noteSocket = (message: unknown): void => {
    this.#sockets.add((message as { socket: Socket }).socket);
  };
}
