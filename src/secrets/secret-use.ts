// Who may say where a secret goes. Naming one is using it: its value is sent to whatever stands beside its name.
import type { Scope } from '../scopes/scope.js';

/** Whether whoever asks may use the secrets of this scope, and what its secret managers keep. @throws PERMISSION_MISSING */
export type MayUse = (scope: Scope) => void;
