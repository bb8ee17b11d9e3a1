// Who keeps a secret.
import type { Scope } from '../scopes/scope.js';

/** Which secret manager keeps a secret; null for the builtin one. */
export type KeptBy = { scope: Scope; id: string } | null;

export const toKeptBy = (scope: string | null, id: string | null): KeptBy =>
  scope === null || id === null ? null : { scope, id };
