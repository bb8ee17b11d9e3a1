// Refresh tokens are exchanged by one manager at a time, for all connectors that name the same. One that the host replaced is a
// version of its secret in the transaction in which the token that came with it is there for all: whoever is killed before leaves a
// refresh token that still counts, unless the host has ended it at once, and whoever lost a race goes on with the new version. What
// cannot be written is not lost either: whoever exchanged the refresh token remembers what took its place.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import type { CredentialOf } from '../connectors/credential.js';
import type { StoredSecret } from '../envelope/secret-manager.js';
import { refuseAnswer } from '../git/host-answer.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { step } from '../kernel/step.js';
import {
  type GrantPlace,
  type GrantToken,
  SecretGrantsRepository,
} from '../secrets/secret-grants.repository.js';
import type { HeldSecret } from '../secrets/secrets.repository.js';
import { SecretsService } from '../secrets/secrets.service.js';
import { CredentialSecrets, fingerprintOf, type Looked, required } from './credential-secrets.js';
import { GrantTokens } from './grant-tokens.js';

export type LookedGrant = Looked<CredentialOf<'oauth2'>>;

/** What came of an exchange. */
export interface Exchanged {
  /** The refresh token's next version, in its secret manager's keeping; null where it stays. */
  rotated: StoredSecret | null;
  /** Null where there is only what was rotated, before or with an answer of no other use. */
  token: Pick<GrantToken, 'road' | 'sealed' | 'usableUntil'> | null;
  /** What was wrong with that answer, where it is known. */
  fault?: Failure;
}

/** Who exchanges, and who opens what comes of it. */
export interface GrantRoad {
  fits: (looked: LookedGrant, token: GrantToken) => Promise<boolean>;
  /** Asked again with a refresh token that was exchanged before, it answers what took its place then, without a token. */
  exchange: (looked: LookedGrant, turn: ExchangeTurn) => Promise<Exchanged>;
}

export interface ExchangeTurn {
  /** Id of the version that a rotated refresh token becomes. */
  next: string;
  /** Right before the refresh token may be shown to its host. @throws where somebody else has the turn by now */
  assertHeld: () => Promise<void>;
}

/** `isFresh`: whether it was fetched for the asker. */
export interface Ensured {
  token: GrantToken;
  isFresh: boolean;
}

type HeldRoad = { road: GrantRoad } & Pick<ExchangeTurn, 'assertHeld'>;

/** After so long without a word from a manager another one goes on. */
const CLAIM_MS = 8_000;
const RENEW_MS = 2_000;
const LOOK_MS = 100;
/** For another manager's exchange, and then one's own. */
const PATIENCE_MS = 60_000;
const WRITE_MS = 20_000;

@Injectable()
export class Grants {
  constructor(
    private readonly looker: CredentialSecrets,
    private readonly grants: SecretGrantsRepository,
    private readonly tokens: GrantTokens,
    private readonly secrets: SecretsService,
    private readonly log: Log,
  ) {}

  /**
   * The token that is at hand on this road, or one that is fetched.
   * @throws CREDENTIAL_NEEDS_AUTHORISATION, and what looking and exchanging throws
   */
  async ensure(connector: Connector, credential: CredentialOf<'oauth2'>, road: GrantRoad): Promise<Ensured> {
    const holder = randomUUID();
    for (const end = Date.now() + PATIENCE_MS; ; await delay(LOOK_MS)) {
      const looked = await this.#look(connector, credential);
      const place = placeOf(looked);
      const token = await this.#find(looked, road);
      if (token !== undefined) return { token, isFresh: false };
      await this.#assertNotRefused(connector, looked);
      if (await this.grants.claim(place, holder, CLAIM_MS)) {
        const ensured = await this.#holding(place, holder, (assertHeld) =>
          this.#fetch(connector, credential, { road, assertHeld }),
        );
        if (ensured !== undefined) return ensured;
      }
      if (Date.now() >= end)
        throw new Failure('GIT_TIMEOUT', {
          host: new URL(credential.tokenUrl).host,
          seconds: PATIENCE_MS / 1_000,
        });
    }
  }

  /** What is known to be void of the credential as it is now. */
  async refusalOf(
    connector: Connector,
    credential: CredentialOf<'oauth2'>,
  ): Promise<{ failure: Failure; at: Date } | undefined> {
    return this.#refusalOf(connector, await this.#look(connector, credential));
  }

  async #look(connector: Connector, credential: CredentialOf<'oauth2'>): Promise<LookedGrant> {
    return (await this.looker.look(connector, credential)) as LookedGrant;
  }

  async #find(looked: LookedGrant, road: GrantRoad): Promise<GrantToken | undefined> {
    return this.tokens.find(placeOf(looked), looked.fingerprint, (token) => road.fits(looked, token));
  }

  /** By the one who holds it: again where the secret was written meanwhile, or only an earlier rotation was caught up with. */
  async #fetch(
    connector: Connector,
    credential: CredentialOf<'oauth2'>,
    { road, assertHeld }: HeldRoad,
  ): Promise<Ensured> {
    for (let isCaughtUp = false; ; ) {
      const looked = await this.#look(connector, credential);
      // Somebody else may have been at it while this one waited.
      const known = await this.#find(looked, road);
      if (known !== undefined) return { token: known, isFresh: false };
      await this.#assertNotRefused(connector, looked);
      const { token, isWritten } = await this.#exchange(connector, looked, { road, assertHeld });
      if (token !== undefined) return { token, isFresh: true };
      // A host that gives nothing but refresh tokens would be asked for ever.
      if (isWritten && isCaughtUp) throw fruitless(credential);
      isCaughtUp ||= isWritten;
    }
  }

  async #exchange(
    connector: Connector,
    looked: LookedGrant,
    { road, assertHeld }: HeldRoad,
  ): Promise<{ token: GrantToken | undefined; isWritten: boolean }> {
    const held = required(looked.secrets, 'refreshToken');
    assertEnvelope(held);
    const { rotated, token, fault } = await road
      .exchange(looked, { next: randomUUID(), assertHeld })
      .catch((error: unknown) => this.#refuse(connector, looked, error));
    const instead: Record<string, string> = rotated === null ? {} : { refreshToken: rotated.version };
    const fingerprint = fingerprintOf(connector, looked, instead);
    const kept =
      token === null ? undefined : { ...token, id: randomUUID(), place: placeOf(looked), fingerprint };
    const isWritten = await this.#write(connector, held, { rotated, token: kept });
    if (fault !== undefined) throw fault;
    if (!isWritten) return { token: undefined, isWritten };
    if (kept !== undefined) this.tokens.keep(kept);
    return { token: kept, isWritten };
  }

  /** Whether it is the secret's current version now; not where the secret was written meanwhile. */
  async #write(
    { id: connector }: Connector,
    held: HeldSecret,
    { rotated, token }: { rotated: StoredSecret | null; token: GrantToken | undefined },
  ): Promise<boolean> {
    const { scope, id, keptBy, stored } = held;
    const before = { scope, id, keptBy, stored };
    const after = rotated === null ? undefined : { keptBy, stored: rotated };
    for (const end = Date.now() + WRITE_MS; ; await delay(LOOK_MS * 5)) {
      try {
        const isWritten = await step('credentials.write-back', () =>
          this.secrets.replace(before, after, async (tx) => {
            if (token !== undefined) await this.grants.putToken(tx, token);
          }),
        );
        if (rotated !== null)
          this.log.info({ audit: true, scope, secret: id, connector, isWritten }, 'refresh token rotated');
        return isWritten;
      } catch (error) {
        const isAway = error instanceof Failure && error.code === 'DATABASE_UNAVAILABLE';
        if (!isAway || Date.now() >= end) throw error;
      }
    }
  }

  async #assertNotRefused(connector: Connector, looked: LookedGrant): Promise<void> {
    const refusal = await this.#refusalOf(connector, looked);
    if (refusal !== undefined) throw refusal.failure;
  }

  /** Whichever connector it was said to. */
  async #refusalOf(
    connector: Connector,
    looked: LookedGrant,
  ): Promise<{ failure: Failure; at: Date } | undefined> {
    const refusal = await this.grants.refusalOf(placeOf(looked));
    if (refusal?.refusedFor !== looked.fingerprint) return undefined;
    const { data } = refusal.failure as Failure<'CREDENTIAL_NEEDS_AUTHORISATION'>;
    return { failure: needsAuthorisation(connector, data.reason), at: refusal.at };
  }

  /** What is void for good is asked for no more. */
  async #refuse(connector: Connector, looked: LookedGrant, error: unknown): Promise<never> {
    const { code, data } = Failure.from(error) as Failure<'CREDENTIAL_REFUSED'>;
    if (code !== 'CREDENTIAL_REFUSED' || data.isVoid !== true) throw error;
    const failure = needsAuthorisation(connector, `${data.host} says ${data.reason}`);
    await this.grants.refuse(placeOf(looked), looked.fingerprint, failure);
    const { scope, id } = connector;
    this.log.warn({ scope, connector: id, code: failure.code }, 'connector needs to be authorised again');
    throw failure;
  }

  /** What comes of the work; undefined where it fails and somebody else has the claim by now, as after this process stood still. */
  async #holding<T>(
    place: GrantPlace,
    holder: string,
    work: (assertHeld: () => Promise<void>) => Promise<T>,
  ): Promise<T | undefined> {
    let isHeld = true;
    const extend = async (): Promise<void> => {
      if (!(await this.grants.extend(place, holder, CLAIM_MS))) isHeld = false;
    };
    const renewal = setInterval(() => void extend().catch(() => undefined), RENEW_MS);
    try {
      return await work(async () => {
        await extend();
        if (!isHeld) throw new Error('Another manager has the refresh token by now');
      });
    } catch (error) {
      if (isHeld) throw error;
      return undefined;
    } finally {
      clearInterval(renewal);
      // Where the database is away, it lapses.
      await this.grants.release(place, holder).catch(() => undefined);
    }
  }
}

/** The secret that its refresh token is. */
export function placeOf({ secrets }: Pick<LookedGrant, 'secrets'>): GrantPlace {
  const { scope, id } = required(secrets, 'refreshToken');
  return { scope, id };
}

const needsAuthorisation = ({ scope, id }: Connector, reason: string): Failure =>
  new Failure('CREDENTIAL_NEEDS_AUTHORISATION', {
    connector: `${scope}/connectors/${id}`,
    reason,
  }) as Failure;

const fruitless = ({ tokenUrl }: CredentialOf<'oauth2'>): Failure =>
  refuseAnswer(new URL(tokenUrl).host, 'it replaces the refresh token, and gives no token that can be used');

/** It may have been moved into a store since the connector was written. @throws CREDENTIAL_UNUSABLE */
function assertEnvelope({ id, stored }: HeldSecret): void {
  if (!('path' in stored)) return;
  throw new Failure('CREDENTIAL_UNUSABLE', {
    problem: `The refresh token ${id} is in a store, and one that its host replaces could not be put there in its place`,
    mend: 'Keep the refresh token with the builtin secret manager, a keyring or a KMS',
  });
}
