// Sealing and opening with keys out of a key file: what the builtin manager and a delegate's keyring have in common.
import { randomUUID } from 'node:crypto';
import type { Secret } from '../kernel/secret.js';
import { type Envelope, openEnvelope, sealEnvelope } from './envelope.js';
import type { KeyRing } from './key-file.js';
import { SecretManager, type SecretPlace } from './secret-manager.js';

export abstract class KeyRingManager extends SecretManager {
  readonly #ring: KeyRing;
  readonly #deployment: string;

  constructor(ring: KeyRing, deployment: string) {
    super();
    this.#ring = ring;
    this.#deployment = deployment;
  }

  override seal(value: Uint8Array, place: SecretPlace): Envelope {
    const context = { deployment: this.#deployment, ...place, version: randomUUID() };
    return sealEnvelope(value, this.#ring.active, context);
  }

  override open(envelope: Envelope, place: SecretPlace): Secret {
    return openEnvelope(envelope, (id) => this.#ring.find(id), { deployment: this.#deployment, ...place });
  }
}
