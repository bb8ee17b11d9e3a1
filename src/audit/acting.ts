// Who acts. A request's actor goes along with everything that is awaited for it, so that no service has to hand it on, and none can
// forget to.
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Actor {
  /** `token`, `user`, `delegate`, `operator` for a command at the manager’s side, `system` for the manager by itself. */
  kind: 'token' | 'user' | 'delegate' | 'operator' | 'system';
  /** Stable, and never another one’s. */
  id: string;
  /** As people know it at that time. */
  name: string;
}

/** A request that may change something. */
export interface Acting {
  actor: Actor;
  /** How much of it is on record. */
  entries: number;
}

/** What nobody asked for at that moment. */
export const SYSTEM: Actor = { kind: 'system', id: 'manager', name: 'manager' };

const current = new AsyncLocalStorage<Acting | undefined>();

/** Runs `work`, and all that it begins, as done by this actor. */
export const actAs = <T>(acting: Acting, work: () => T): T => current.run(acting, work);

/** Does of the manager’s own accord what serves a request, and is on record beside it. */
export const ownAccord = <T>(work: () => T): T => current.run(undefined, work);

/** The request that is worked for here. */
export const actingNow = (): Acting | undefined => current.getStore();
