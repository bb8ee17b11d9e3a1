// What delegates’ changes are told as. Whether one is online follows from when it was last heard; the row keeps what was told last,
// so that of all managers that look one tells it.
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { EventType } from '../events/event.js';
import { EventsRepository } from '../events/events.repository.js';
import type { Scope } from '../scopes/scope.js';
import { type Session, Storage } from '../storage/database.js';
import type { DelegateState } from '../storage/schema.js';
import { isAlive } from './delegates.repository.js';

export interface ToldDelegate {
  id: string;
  name: string;
  group: string;
  scope: Scope;
}

type Change = Extract<EventType, `delegate.${string}`>;

@Injectable()
export class DelegateEventsRepository {
  constructor(
    private readonly storage: Storage,
    private readonly events: EventsRepository,
  ) {}

  async tell(tx: Session, delegate: ToldDelegate, type: Change, more: object = {}): Promise<void> {
    const { id, name, group, scope } = delegate;
    await this.events.record(tx, [
      { scope, type, subject: `delegates/${id}`, data: { id, name, group, ...more } },
    ]);
  }

  /** Of those that came, went or fell silent since somebody looked. */
  async tellPresence(): Promise<void> {
    const { rows } = await sql`select 1 from delegate as d where d.online <> ${isAlive} limit 1`.execute(
      this.storage.db,
    );
    if (rows.length === 0) return;
    await this.storage.transact(async (tx) => {
      const turned = await sql<ToldDelegate & { online: boolean; said: string; state: DelegateState }>`
        update delegate as d set online = not d.online from delegate_group as g
        where g.id = d.group_id and d.online <> ${isAlive}
        returning d.id, d.name, g.name as group, g.scope, d.online, d.said, d.state`.execute(tx);
      for (const one of turned.rows)
        await (one.online
          ? this.tell(tx, one, 'delegate.online')
          : this.tell(tx, one, 'delegate.offline', { why: whyOffline(one) }));
    });
  }
}

function whyOffline({ said, state }: { said: string; state: DelegateState }): string {
  if (state === 'revoked') return 'revoked';
  return said === 'goodbye' ? 'stopped' : 'silent';
}
