// Secrets that are about to be used, as they are at this moment: one read of PostgreSQL at every use. The bulk of a secret is
// answered only where it differs from what this process remembers of it, so nobody has to be told of an edit.
import { type Selectable, sql } from 'kysely';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { AgedMap } from '../kernel/aged-map.js';
import { Failure } from '../kernel/failure.js';
import type { Scope } from '../scopes/scope.js';
import { Storage } from '../storage/database.js';
import type { SecretManagerTable } from '../storage/secret-schema.js';
import { type SecretManagerRecord, toManager } from './secret-managers.repository.js';
import type { HeldSecret } from './secrets.repository.js';
import { storedIn } from './stored-version.repository.js';

/** A secret's current version with all that it takes to have it opened. */
export interface CurrentSecret extends HeldSecret {
  /** Null for the builtin one. */
  manager: SecretManagerRecord | null;
  /** What its secret manager signs in with; null for the delegate's own identity. */
  credential: HeldSecret | null;
}

/** What the tables say of it. */
interface State {
  /** Null where the secret was deleted although in use. */
  stored: StoredSecret | null;
  manager: Selectable<SecretManagerTable> | null;
  credential: StoredSecret | null;
}

interface Remembered {
  /** Of all the rows; the database compares it with what they hold. */
  fingerprint: string;
  current: CurrentSecret;
}

/** In characters of JSON. */
const REMEMBERED_MAX = 32 * 1024 * 1024;

export class CurrentSecretsRepository {
  readonly #remembered: AgedMap<Remembered>;

  constructor(
    private readonly storage: Storage,
    ageMsMax: number,
  ) {
    this.#remembered = new AgedMap({ ageMsMax, weightMax: REMEMBERED_MAX });
  }

  /** @throws NOT_FOUND, SECRET_DELETED for the secret or for what its secret manager signs in with */
  async find(scope: Scope, id: string): Promise<CurrentSecret> {
    const known = this.#remembered.get(keyOf(scope, id));
    const row = await this.#read(scope, id, known?.fingerprint);
    if (row === undefined) {
      this.forget(scope, id);
      throw new Failure('NOT_FOUND', { what: 'secret', id });
    }
    const { fingerprint, state } = row;
    // Not what is remembered by now: that may be of an older read.
    if (state === null) return (known as Remembered).current;
    this.forget(scope, id);
    const current = toCurrent(scope, id, state);
    if (current.manager?.settings.kind.startsWith('vault-') !== true)
      this.#remembered.put(keyOf(scope, id), { fingerprint, current }, JSON.stringify(state).length);
    return current;
  }

  /** The next use reads all of it. */
  forget(scope: Scope, id: string): void {
    this.#remembered.delete(keyOf(scope, id));
  }

  async #read(
    scope: Scope,
    id: string,
    known = '',
  ): Promise<{ fingerprint: string; state: State | null } | undefined> {
    const { rows } = await sql<{ fingerprint: string; state: State | null }>`
      select fingerprint, case when fingerprint = ${known} then null else state end as state
      from (
        select state, encode(sha256(convert_to(state::text, 'UTF8')), 'hex') as fingerprint
        from secret
        left join secret_version as head
          on (head.scope, head.secret_id, head.id) = (secret.scope, secret.id, secret.version)
        left join secret_manager as manager
          on (manager.scope, manager.id) = (secret.manager_scope, secret.manager_id)
        left join secret as credential
          on (credential.scope, credential.id) = (manager.credential_scope, manager.credential_id)
        left join secret_version as credential_head
          on (credential_head.scope, credential_head.secret_id, credential_head.id)
            = (credential.scope, credential.id, credential.version),
        jsonb_build_object('stored', ${storedIn('head')}, 'manager', to_jsonb(manager),
          'credential', ${storedIn('credential_head')}) as state
        where secret.scope = ${scope} and secret.id = ${id}
        offset 0
      ) as whole`.execute(this.storage.db);
    return rows[0];
  }
}

const keyOf = (scope: Scope, id: string): string => `${scope} ${id}`;

function toCurrent(scope: Scope, id: string, { stored, manager: row, credential }: State): CurrentSecret {
  if (stored === null) throw new Failure('SECRET_DELETED', { secret: id, scope });
  const manager = row === null ? null : toManager(row);
  const keptBy = manager === null ? null : { scope: manager.scope, id: manager.id };
  const named = manager?.credential ?? null;
  if (named === null) return { scope, id, keptBy, stored, manager, credential: null };
  const { secretScope, secret } = named;
  // One that signed in as the delegate instead would be somebody else.
  if (credential === null) throw new Failure('SECRET_DELETED', { secret, scope: secretScope });
  const signsInWith = { scope: secretScope, id: secret, keptBy: null, stored: credential };
  return { scope, id, keptBy, stored, manager, credential: signsInWith };
}
