// What every manager does about master keys while it runs: says which ones it has, notices a key file that was broken or set back,
// and rewraps what a retained key still wraps.
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { Injectable } from '@nestjs/common';
import { LiveKeyRing } from '../envelope/live-key-ring.js';
import { Failure } from '../kernel/failure.js';
import { Log } from '../kernel/log.js';
import { assertHolds } from './deployment.js';
import { MasterKeyRewrap } from './master-key-rewrap.flow.js';
import { MasterKeysRepository } from './master-keys.repository.js';

/** Several of them fit into the time after which a manager counts as gone. */
export const BEAT_MS = 3_000;
/** After a pass that left something behind, which a person has to look at. */
const PASS_AGAIN_MS = 600_000;

@Injectable()
export class MasterKeyBeat {
  readonly #self = { id: randomUUID(), name: `${os.hostname()}:${process.pid}` };
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #rewrapping: Promise<void> | undefined;
  #fault: string | undefined;
  #active: string | undefined;
  #passAt = 0;

  constructor(
    private readonly ring: LiveKeyRing,
    private readonly repository: MasterKeysRepository,
    private readonly rewrap: MasterKeyRewrap,
    private readonly log: Log,
  ) {}

  /** Why this manager could not start again with its key file as it is now, if so. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** @throws KEY_FILE_UNUSABLE when a key became active since this manager looked */
  async start(): Promise<void> {
    try {
      await this.#beat();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#timer = setInterval(() => {
      this.#beating ??= this.#goOn().finally(() => (this.#beating = undefined));
    }, BEAT_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#beating;
    await this.#rewrapping;
    await this.repository.leave(this.#self.id).catch(() => undefined);
  }

  async #beat(): Promise<void> {
    const known = await this.repository.beat(this.#self, this.ring.refresh().ids);
    this.ring.keep(known);
    if (this.#active !== known[0]) this.#passAt = 0;
    this.#active = known[0];
    assertHolds(this.ring, known);
  }

  async #goOn(): Promise<void> {
    const fault = await this.#beat().then(
      () => undefined,
      (error: unknown) => Failure.from(error, (error as Error).message),
    );
    if (fault !== undefined && fault.message !== this.#fault) this.log.error({ err: fault }, 'master keys');
    if (fault === undefined && this.#fault !== undefined) this.log.info('master keys are as they should be');
    this.#fault = fault?.message;
    if (performance.now() >= this.#passAt)
      this.#rewrapping ??= this.#pass().finally(() => (this.#rewrapping = undefined));
  }

  async #pass(): Promise<void> {
    try {
      const { done, failed } = await this.rewrap.run(undefined, this.#stopped.signal);
      if (done > 0) this.log.info({ done }, 'rewrapped with the active master key');
      for (const { place, failure } of failed) this.log.error({ err: failure, place }, 'not rewrapped');
      if (failed.length > 0) this.#passAt = performance.now() + PASS_AGAIN_MS;
    } catch (error) {
      this.log.warn({ err: error }, 'rewrapping');
    }
  }
}
