// The builtin secret manager: the only one whose secrets the manager opens.
import { KeyRingManager } from '../envelope/key-ring-manager.js';

export class BuiltInSecrets extends KeyRingManager {
  override readonly kind = 'builtin';
}
