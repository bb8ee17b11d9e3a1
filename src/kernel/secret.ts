// Plaintext lives inside one of these, and a Secret cannot be printed by accident.
import { registerSecret } from './redact.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Secret bytes. `use` lends them for one call; `wipe` overwrites them. Printing one gives asterisks, and messages
 * that would contain its value are struck through until it is wiped. */
export class Secret {
  readonly #bytes: Buffer;
  readonly #forget: () => void;

  /** Takes ownership of `bytes`: `wipe` overwrites them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#forget = registerSecret(this.#bytes.toString('utf8'));
  }

  use<T>(consume: (bytes: Buffer) => T): T {
    return consume(this.#bytes);
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#forget();
  }

  toString(): string {
    return '******';
  }

  toJSON(): string {
    return '******';
  }

  [inspect](): string {
    return 'Secret ******';
  }
}
