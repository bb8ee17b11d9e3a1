// What managers share of deliveries: who claims which, what a reaction that fails comes to, and how much is kept.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Connector, ConnectorsRepository } from '../../src/connectors/connectors.repository.js';
import { createLog } from '../../src/kernel/log.js';
import type { HookEvent } from '../../src/providers/webhook.js';
import { Storage } from '../../src/storage/database.js';
import { DeliveriesFlow } from '../../src/webhooks/deliveries.flow.js';
import { DeliveriesRepository, deliveryLimits } from '../../src/webhooks/deliveries.repository.js';
import { HookReaction, HookReactions } from '../../src/webhooks/hook-reaction.js';
import { WebhooksRepository } from '../../src/webhooks/webhooks.repository.js';
import { eventually } from '../support/api.js';
import { sql } from '../support/database.js';
import { createDatabase } from '../support/stack.js';

const SCOPE = 'accounts/a';

let url: string;
let storage: Storage;
let drop: () => Promise<void>;
let deliveries: DeliveriesRepository;

beforeAll(async () => {
  ({ url, drop } = await createDatabase(inject('embeddedPostgres')));
  storage = new Storage(url);
  await storage.migrate();
  deliveries = new DeliveriesRepository(storage);
  await sql(url, `insert into scope (path, account, display_name) values ('${SCOPE}', '${SCOPE}', 'a')`);
  await sql(
    url,
    `insert into connector (scope, id, url, connectivity, revision)
     values ('${SCOPE}', 'c', 'https://git.example/r.git', 'manager', 'r')`,
  );
  await sql(
    url,
    `insert into webhook (scope, connector_id, address, address_digest) values ('${SCOPE}', 'c', 'x', 'x')`,
  );
});
afterAll(async () => {
  await storage.close();
  await drop();
});
beforeEach(() => sql(url, 'delete from webhook_delivery'));

const store = (
  deliveryId: string,
  body = '{"event":"push","ref":"refs/heads/main","before":null,"after":null}',
) =>
  deliveries.store({
    scope: SCOPE,
    connector: 'c',
    deliveryId,
    provider: 'generic',
    source: '192.0.2.1',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(body),
  });

const count = async (where: string): Promise<number> =>
  (await sql<{ n: number }>(url, `select count(*)::int as n from webhook_delivery where ${where}`))[0]?.n ??
  -1;

describe('a claim', () => {
  it('is one manager’s alone, and another’s once its time is over', async () => {
    for (let at = 0; at < 20; at++) await store(`d${at}`);
    const claims = await Promise.all([1, 2, 3].map(() => deliveries.claim(10, 60_000)));
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(20);
    expect(ids).toHaveLength(20);
    expect(await deliveries.claim(10, 60_000)).toEqual([]);
    await sql(url, `update webhook_delivery set claimed_until = now() where delivery_id = 'd7'`);
    expect(await deliveries.claim(10, 60_000)).toEqual([]);
    expect(await deliveries.claim(10, 60_000, 'apart')).toMatchObject([{ attempts: 2, begun: 2 }]);
  });
});

describe('what is kept', () => {
  const rows = (n: number, more: string): Promise<unknown> =>
    sql(
      url,
      `insert into webhook_delivery (scope, connector_id, delivery_id, provider, source, headers, body, body_bytes, state, received_at)
       select '${SCOPE}', 'c', gen_random_uuid()::text, 'generic', 's', '{"a":"b"}', 'x', 1, ${more} from generate_series(1, ${n})`,
    );
  /** So long ago, one that is done with. */
  const came = async (deliveryId: string, ago: string): Promise<void> => {
    expect(await store(deliveryId)).toBe(true);
    await sql(
      url,
      `update webhook_delivery set state = 'done', outcome = '{"kind": "noted"}', received_at = now() - $2::interval
       where delivery_id = $1`,
      [deliveryId, ago],
    );
  };

  it('is bounded in time and number, and what waits stays', async () => {
    await rows(3, `'done', now() - interval '8 days'`);
    await rows(2, `'waiting', now() - interval '8 days'`);
    await rows(deliveryLimits.wholeMax + 7, `'done', now()`);
    await deliveries.forget();
    expect(await count(`received_at < now() - interval '7 days'`)).toBe(2);
    expect(await count(`state = 'done'`)).toBe(deliveryLimits.wholeMax + 7);
    expect(await count(`state = 'done' and body is not null`)).toBe(deliveryLimits.wholeMax);
    expect(await count(`state = 'done' and headers <> '{}'`)).toBe(deliveryLimits.wholeMax);
    expect(await count(`state = 'waiting' and body is not null`)).toBe(2);
  });

  it('knows a delivery again for seven days, its body kept or not, and no longer', async () => {
    await came('old', '7 days 1 minute');
    await came('young', '6 days 23 hours');
    await rows(deliveryLimits.wholeMax, `'done', now()`);
    await deliveries.forget();
    expect(await count(`delivery_id in ('old', 'young') and body is not null`)).toBe(0);
    expect([await store('young'), await store('old')]).toEqual([false, true]);
    expect(await count(`delivery_id = 'young' and state = 'done' and duplicates = 1`)).toBe(1);
    expect(await count(`delivery_id = 'old' and state = 'waiting' and duplicates = 0`)).toBe(1);
  });

  it('knows a delivery for less than seven days where too many came after it', async () => {
    for (const id of ['first', 'second', 'third']) await came(id, '1 day');
    await deliveries.forget({ ...deliveryLimits, rowsMax: 2 });
    expect([await store('third'), await store('second'), await store('first')]).toEqual([false, false, true]);
  });
});

/** Fails so many times. */
class Reluctant extends HookReaction {
  readonly seen: HookEvent[] = [];

  /** @param end of those that do not fail */
  constructor(
    private failures: number,
    private readonly end: Promise<void> = Promise.resolve(),
  ) {
    super();
  }

  async react(_connector: Connector, event: HookEvent): Promise<string> {
    this.seen.push(event);
    if (this.failures-- > 0) throw new Error('not now');
    await this.end;
    return 'done at last';
  }
}

describe('a reaction', () => {
  const flowWith = (reaction: HookReaction): DeliveriesFlow =>
    new DeliveriesFlow(
      deliveries,
      new WebhooksRepository(storage),
      new ConnectorsRepository(storage),
      new HookReactions([reaction]),
      createLog('webhook test', 'silent'),
    );

  it('sees several pushes of one moment as one', async () => {
    for (let at = 0; at < 5; at++) await store(`d${at}`);
    const reaction = new Reluctant(0);
    const flow = flowWith(reaction);
    flow.hint();
    await eventually(async () => (await count(`state = 'done'`)) === 5, 'all of them to be done');
    await flow.stop();
    expect(reaction.seen).toHaveLength(1);
    expect(await count(`outcome ->> 'kind' = 'acted'`)).toBe(1);
    expect(await count(`outcome ->> 'kind' = 'joined'`)).toBe(4);
  });

  it('sees nothing of a delivery that ended whoever was at it three times, which fails', async () => {
    await store('deadly');
    await sql(url, 'update webhook_delivery set attempts = 3, begun = 3');
    await store('other');
    const reaction = new Reluctant(0);
    const flow = flowWith(reaction);
    flow.hint();
    await eventually(async () => (await count(`state = 'done'`)) === 2, 'both to be done');
    await flow.stop();
    expect(await count(`delivery_id = 'deadly' and outcome ->> 'kind' = 'failed' and event is null`)).toBe(1);
    expect(reaction.seen).toHaveLength(1);
  });

  it('sees each by itself of those that were lost together, one of which may be to blame', async () => {
    for (let at = 0; at < 3; at++) await store(`d${at}`);
    await sql(url, 'update webhook_delivery set attempts = 1, begun = 1');
    const reaction = new Reluctant(0);
    const flow = flowWith(reaction);
    flow.hint();
    await eventually(async () => (await count(`state = 'done'`)) === 3, 'all of them to be done');
    await flow.stop();
    expect(reaction.seen).toHaveLength(3);
  });

  it('that fails counts for nobody who was lost', async () => {
    await store('one');
    const flow = flowWith(new Reluctant(1));
    flow.hint();
    await eventually(async () => (await count(`outcome ->> 'kind' = 'resting'`)) === 1, 'it to rest');
    await flow.stop();
    expect(await count('begun = 0 and attempts = 1')).toBe(1);
  });

  it('sees of a push of very many refs, and the record of it has, that something moved', async () => {
    const changes = Array.from({ length: 4_000 }, (_, at) => ({
      ref: `refs/heads/${at}`,
      before: null,
      after: null,
    }));
    await store('many', JSON.stringify({ changes }));
    const reaction = new Reluctant(0);
    const flow = flowWith(reaction);
    flow.hint();
    await eventually(async () => (await count(`state = 'done'`)) === 1, 'it to be done');
    await flow.stop();
    expect(reaction.seen).toMatchObject([{ kind: 'refs', changes: 'unknown' }]);
    expect(await count(`event ->> 'changes' = 'unknown'`)).toBe(1);
  });

  it('that fails has the delivery rest, and come again', async () => {
    await store('one');
    const { promise: end, resolve: goOn } = Promise.withResolvers<void>();
    const reaction = new Reluctant(1, end);
    const flow = flowWith(reaction);
    flow.start();
    await eventually(async () => (await count(`outcome ->> 'kind' = 'resting'`)) === 1, 'it to rest');
    goOn();
    await eventually(async () => (await count(`state = 'done'`)) === 1, 'it to be done');
    await flow.stop();
    expect(reaction.seen).toHaveLength(2);
    expect(await count(`outcome -> 'details' ->> 0 = 'done at last'`)).toBe(1);
  });

  it('that always fails ends it as failed', async () => {
    await store('one');
    await sql(url, 'update webhook_delivery set attempts = 7');
    const flow = flowWith(new Reluctant(Number.POSITIVE_INFINITY));
    flow.hint();
    await eventually(async () => (await count(`outcome ->> 'kind' = 'failed'`)) === 1, 'it to fail');
    await flow.stop();
    expect(await count(`state = 'done'`)).toBe(1);
  });

  it('is asked again where the host sends what had failed once more, and not where it had not', async () => {
    await store('one', 'no JSON');
    await store('other');
    await sql(
      url,
      `update webhook_delivery set state = 'done', attempts = 8,
       outcome = jsonb_build_object('kind', case delivery_id when 'one' then 'failed' else 'noted' end)`,
    );
    expect([await store('one'), await store('other')]).toEqual([false, false]);
    const reaction = new Reluctant(0);
    const flow = flowWith(reaction);
    flow.hint();
    await eventually(async () => (await count(`outcome ->> 'kind' = 'acted'`)) === 1, 'it to be acted on');
    await flow.stop();
    expect(reaction.seen).toHaveLength(1);
    expect(await count(`duplicates = 1 and attempts = 1 and delivery_id = 'one'`)).toBe(1);
    expect(await count(`duplicates = 1 and attempts = 8 and delivery_id = 'other'`)).toBe(1);
  });

  it('leaves a webhook verified that was so after a refusal which is written down later', async () => {
    const webhooks = new WebhooksRepository(storage);
    const refused = new Date();
    await webhooks.noteVerified(SCOPE, 'c', new Date(refused.getTime() - 500));
    await store('after');
    const flow = flowWith(new Reluctant(0));
    flow.hint();
    await eventually(async () => (await count(`state = 'done'`)) === 1, 'it to be done');
    await flow.stop();
    await webhooks.noteRefused(SCOPE, 'c', { count: 1, first: refused, last: refused });
    expect(await webhooks.get(SCOPE, 'c')).toMatchObject({ refused: 1, refusedSince: null });
  });
});
