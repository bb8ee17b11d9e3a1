// What acts on deliveries. A delivery is a hint: it says where to look, and never what is there.
import type { Connector } from '../connectors/connectors.repository.js';
import type { HookEvent } from '../providers/webhook.js';

export abstract class HookReaction {
  /**
   * Acts on what a host said of the connector’s repository, in no order and perhaps twice: what it does has to be idempotent and
   * quick, like making a poll due. Several pushes of one moment come as one event. Answers in words what it did; undefined where
   * there was nothing to do. What it throws makes the delivery rest and come again.
   */
  abstract react(connector: Connector, event: HookEvent): Promise<string | undefined>;
}

/** All of them, in order. */
export class HookReactions {
  constructor(readonly all: readonly HookReaction[]) {}
}
