// A delivery at the door, from its first byte to its acknowledgement: nothing of it is parsed before it is proven, and nothing done
// about it before it is stored.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { tell } from '../kernel/facts.js';
import { Failure } from '../kernel/failure.js';
import { step } from '../kernel/step.js';
import { codecs } from '../providers/codecs.js';
import { unreadable } from '../providers/readable-hook.js';
import type { HookHeaders, HookProof, HookVerdict } from '../providers/webhook.js';
import { isReferenced } from '../storage/database.js';
import { Backlog } from './backlog.js';
import { DeliveriesFlow } from './deliveries.flow.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DoorLimits, doorLimits, type Leaving, type Visit } from './door-limits.js';
import { HookSecrets } from './hook-secrets.js';
import { keptHeaders } from './kept-headers.js';
import { CallerGone, readBody } from './read-body.js';
import { Refusals } from './refusals.js';
import { type Doorplate, WebhooksRepository } from './webhooks.repository.js';

export interface Arrival {
  /** The last part of the path. */
  address: string;
  /** IP address of the caller. */
  source: string;
  /** Its body has not been read. */
  request: IncomingMessage;
}

interface Proving {
  proof: HookProof;
  /** Whether all secrets that are live could be opened for it. */
  complete: boolean;
}

const ADDRESS = /^[A-Za-z0-9_-]{43}$/;

@Injectable()
export class ReceptionFlow {
  readonly #limits = new DoorLimits();

  constructor(
    private readonly webhooks: WebhooksRepository,
    private readonly backlog: Backlog,
    private readonly deliveries: DeliveriesRepository,
    private readonly secrets: HookSecrets,
    private readonly refusals: Refusals,
    private readonly flow: DeliveriesFlow,
  ) {}

  /**
   * Returns once the delivery is stored, or was before.
   * @throws RATE_LIMITED, WEBHOOK_DOOR_FULL, ROUTE_NOT_FOUND, MEDIA_TYPE_UNSUPPORTED, BODY_TOO_LARGE, WEBHOOK_PROOF_REJECTED,
   * DATABASE_UNAVAILABLE and what else the database throws; CallerGone
   */
  async receive(arrival: Arrival): Promise<void> {
    const visit = this.#limits.enter(arrival.source, arrival.address);
    let how: Leaving = 'other';
    let bodyBytes = 0;
    let code = 'OK';
    let plate: Doorplate | undefined;
    try {
      plate = await this.#find(arrival);
      await this.backlog.assertRoom(plate);
      const proving = await this.#prove(plate, arrival);
      const body = await this.#read(plate, arrival, visit, proving.proof);
      bodyBytes = body.length;
      await this.#verify(plate, arrival, bodyBytes, proving);
      await this.#store(plate, arrival, body);
      how = 'verified';
    } catch (error) {
      how = leavingWith(error);
      code = error instanceof CallerGone ? 'CALLER_GONE' : Failure.from(error).code;
      throw error;
    } finally {
      tell('webhook.arrival', { provider: plate?.provider ?? null, code });
      visit.leave(how);
    }
    this.flow.hint(bodyBytes);
  }

  /** What was refused and is not on record yet. */
  async stop(): Promise<void> {
    await this.refusals.flush();
    this.secrets.wipe();
  }

  async #find({ address, request }: Arrival): Promise<Doorplate> {
    const plate = ADDRESS.test(address) ? await this.webhooks.findByAddress(address) : undefined;
    // Like any address where nothing is.
    if (plate === undefined) throw unknown(request);
    return plate;
  }

  /** Refuses what need not be read, and begins to check the proof of what is. */
  async #prove(plate: Doorplate, arrival: Arrival): Promise<Proving> {
    // Of some fields that came twice, Node keeps the first alone in `headers`.
    const { headers, headersDistinct: all } = arrival.request;
    return this.#noting(plate, arrival, async () => {
      assertReadable(plate, all);
      if (declaredBytes(headers) > doorLimits.bodyBytesMax) throw tooLarge();
      return this.secrets.use(plate, (secrets, complete) => ({
        proof: codecs[plate.provider].prove(all, secrets),
        complete,
      }));
    });
  }

  async #read(plate: Doorplate, arrival: Arrival, visit: Visit, proof: HookProof): Promise<Buffer> {
    const take = (piece: Buffer): void => {
      visit.take(piece.length);
      proof.update(piece);
    };
    const { bodyBytesMax: bytesMax } = doorLimits;
    return this.#noting(plate, arrival, () => readBody(arrival.request, { bytesMax, take }));
  }

  /** Keeps on record what was refused before its body was there. */
  async #noting<T>(plate: Doorplate, { source, request }: Arrival, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const bodyBytes = countable(declaredBytes(request.headers));
      if (error instanceof Failure && leavingWith(error) === 'refused')
        this.refusals.note(plate, { why: error.message, source, bodyBytes });
      throw error;
    }
  }

  async #verify(
    plate: Doorplate,
    { source }: Arrival,
    bodyBytes: number,
    { proof, complete }: Proving,
  ): Promise<void> {
    const verdict = await step('webhook.verify', async () => proof.verdict(new Date()));
    if (verdict === 'ok') return;
    const why = whyRefused(verdict, plate, complete);
    this.refusals.note(plate, { why, source, bodyBytes });
    // It may be proven with the very secret that cannot be opened: the host shall come again.
    if (!complete) throw new Failure('WEBHOOK_DOOR_FULL', { reason: why });
    throw new Failure('WEBHOOK_PROOF_REJECTED', { reason: why });
  }

  async #store(
    { scope, id, provider }: Doorplate,
    { source, request }: Arrival,
    body: Buffer,
  ): Promise<void> {
    const { headers, headersDistinct: all } = request;
    const delivery = {
      scope,
      connector: id,
      provider,
      deliveryId: codecs[provider].deliveryId(all, body),
      source,
      headers: keptHeaders(headers),
      body,
    };
    await step('webhook.store', () => this.deliveries.store(delivery)).catch((error: unknown) => {
      throw isReferenced(error) ? unknown(request) : error;
    });
  }
}

/** What was wrong with the delivery itself. */
const REFUSED: ReadonlySet<string> = new Set([
  'MEDIA_TYPE_UNSUPPORTED',
  'BODY_TOO_LARGE',
  'WEBHOOK_PROOF_REJECTED',
]);

function leavingWith(error: unknown): Leaving {
  // A stranger may hold room at the door as long as he likes, and go.
  if (error instanceof CallerGone) return 'refused';
  if (!(error instanceof Failure)) return 'other';
  if (error.code === 'ROUTE_NOT_FOUND') return 'lost';
  return REFUSED.has(error.code) ? 'refused' : 'other';
}

/** @throws MEDIA_TYPE_UNSUPPORTED */
function assertReadable({ provider }: Doorplate, headers: HookHeaders): void {
  const mediaType = unreadable(codecs[provider], headers);
  if (mediaType !== undefined) throw new Failure('MEDIA_TYPE_UNSUPPORTED', { mediaType });
}

function whyRefused(verdict: Exclude<HookVerdict, 'ok'>, plate: Doorplate, complete: boolean): string {
  if (!complete) return 'a secret of the webhook cannot be opened';
  if (plate.secrets.length === 0) return 'the secrets of the webhook were deleted';
  return {
    missing: 'it has no proof',
    bad: 'its proof is of another secret or of another body',
    stale: 'its proof is of another time, more than five minutes away',
  }[verdict];
}

const declaredBytes = (headers: IncomingHttpHeaders): number => Number(headers['content-length'] ?? 0);

const tooLarge = (): Failure =>
  new Failure('BODY_TOO_LARGE', { bytesMax: doorLimits.bodyBytesMax }) as Failure;

const unknown = ({ method = '' }: IncomingMessage): Failure =>
  new Failure('ROUTE_NOT_FOUND', { method, path: '/webhooks/…' }) as Failure;

/** As a column takes it. */
const countable = (bytes: number): number => (Number.isSafeInteger(bytes) ? Math.min(bytes, 2 ** 31 - 1) : 0);
