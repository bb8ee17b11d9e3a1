// What a host says of a pull request has the host asked about it at once, where it is one that a save opened.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import type { HookEvent } from '../providers/webhook.js';
import { PullRequestsFlow } from '../pulls/pull-requests.flow.js';
import { HookReaction } from './hook-reaction.js';

@Injectable()
export class PullReaction extends HookReaction {
  constructor(private readonly pulls: PullRequestsFlow) {
    super();
  }

  async react(connector: Connector, event: HookEvent): Promise<string | undefined> {
    if (event.kind !== 'pull') return undefined;
    const isOurs = await this.pulls.hint(connector, event.number);
    return isOurs ? `The host is asked about pull request ${event.number}` : undefined;
  }
}
