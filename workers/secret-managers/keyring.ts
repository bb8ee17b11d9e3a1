// The delegate's keyring: its key file never leaves the delegate's side, so neither does what it opens.
import { EnvelopeManager } from '../../src/envelope/envelope-manager.js';
import type { KeyRing } from '../../src/envelope/key-file.js';
import { KeyRingWrapper } from '../../src/envelope/key-ring-wrapper.js';

export class Keyring extends EnvelopeManager {
  constructor(ring: KeyRing, deployment: string) {
    super('keyring', new KeyRingWrapper(ring), deployment);
  }
}
