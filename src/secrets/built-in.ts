// The builtin secret manager: the only one whose secrets the manager opens.
import { EnvelopeManager } from '../envelope/envelope-manager.js';
import type { WrappingKeys } from '../envelope/key-file.js';
import { KeyRingWrapper } from '../envelope/key-ring-wrapper.js';

export class BuiltInSecrets extends EnvelopeManager {
  constructor(keys: WrappingKeys, deployment: string) {
    super('builtin', new KeyRingWrapper(keys), deployment);
  }
}
