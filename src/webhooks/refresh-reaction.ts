// A push has the connector's repository looked at at once; what moved there is what Git says then.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import type { HookEvent } from '../providers/webhook.js';
import { PollFlow } from '../sync/poll.flow.js';
import { TrackingRepository } from '../sync/tracking.repository.js';
import { HookReaction } from './hook-reaction.js';

@Injectable()
export class RefreshReaction extends HookReaction {
  constructor(
    private readonly tracking: TrackingRepository,
    private readonly poll: PollFlow,
  ) {
    super();
  }

  async react({ scope, id }: Connector, event: HookEvent): Promise<string | undefined> {
    if (event.kind !== 'refs' || isOfTagsAlone(event)) return undefined;
    const isTracked = await this.tracking.wake({ scope, connector: id }, { isHint: true });
    if (!isTracked) return undefined;
    void this.poll.sweep();
    return 'The repository is looked at';
  }
}

const isOfTagsAlone = ({ changes }: Extract<HookEvent, { kind: 'refs' }>): boolean =>
  changes !== 'unknown' && changes.every(({ type }) => type === 'tag');
