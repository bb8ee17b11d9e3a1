// How a connector’s repository is followed, said in one word.
import type { Schemas } from '../data/api.js';
import type { Tracking } from '../data/connectors.js';
import type { StateProps } from '../parts/state.js';

export type Said = Pick<StateProps, 'tone' | 'icon'> & { word: string; why: string };

export function followingOf(tracking: Tracking | undefined): Said {
  if (tracking === undefined)
    return { word: 'Not followed', tone: 'calm', why: 'Pushes to it are not noticed' };
  if (tracking.problem !== null) return { word: 'Failing', tone: 'bad', why: tracking.problem.detail };
  const failing = tracking.followed.find(({ problem }) => problem !== null);
  if (failing !== undefined)
    return { word: 'Failing', tone: 'bad', why: `${failing.branch}: ${failing.problem?.detail ?? ''}` };
  const behind = tracking.followed.find(({ state }) => state === 'behind' || state === 'refreshing');
  if (behind !== undefined)
    return { word: 'Catching up', tone: 'busy', why: `${behind.branch} has moved on and is being read` };
  return { word: 'Up to date', tone: 'ok', why: 'Every followed branch is as it was at the last look' };
}

const hooks: Record<Schemas['Tracking']['webhook'], Said> = {
  none: {
    word: 'None heard yet',
    tone: 'calm',
    why: 'No webhook has told of a push yet; until one does, it is looked at every 15 seconds or so, unless the manager is set otherwise',
  },
  healthy: { word: 'Healthy', tone: 'ok', why: 'The host tells of pushes' },
  losing: {
    word: 'Losing',
    tone: 'warn',
    why: 'A push was found lately that the host had not told of, so that it is looked at more often',
  },
};

/** Undefined where it is not followed. */
export const hookOf = (tracking: Pick<Tracking, 'webhook'> | undefined): Said =>
  tracking === undefined
    ? { word: 'None heard yet', tone: 'calm', why: 'Pushes are not noticed before it is followed' }
    : hooks[tracking.webhook];
