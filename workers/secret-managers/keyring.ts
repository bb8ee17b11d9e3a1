// The delegate's keyring: its key file never leaves the delegate's side, so neither does what it opens.
import { KeyRingManager } from '../../src/envelope/key-ring-manager.js';

export class Keyring extends KeyRingManager {
  override readonly kind = 'keyring';
}
