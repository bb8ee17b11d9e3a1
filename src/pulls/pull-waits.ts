// Requests of the API that wait until a pull request is open, or is known not to be.
import { Injectable } from '@nestjs/common';
import { EndsAwaited } from '../sync/waits.js';
import { PullRequestsRepository } from './pull-requests.repository.js';

@Injectable()
export class PullWaits extends EndsAwaited {
  constructor(private readonly requests: PullRequestsRepository) {
    super();
  }

  /** By operation. */
  protected override ended(operations: string[]): Promise<string[]> {
    return this.requests.settled(operations);
  }
}
