import { Injectable } from '@nestjs/common';
import { MovesRepository } from '../sync/moves.repository.js';
import { EndsAwaited } from '../sync/waits.js';

/** Waits for moves. */
@Injectable()
export class MoveWaits extends EndsAwaited {
  constructor(private readonly moves: MovesRepository) {
    super();
  }

  protected override ended(ids: string[]): Promise<string[]> {
    return this.moves.ended(ids);
  }
}
