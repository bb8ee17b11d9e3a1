// What a save came to, said in passing.
import { tellHere } from '../data/live.js';
import { hrefOf } from '../data/route.js';
import { say } from '../shell/toasts.js';
import { namePull } from './pull-request.js';
import type { Saved, SaveTarget } from './save.js';

export function announce({ kind, id }: Pick<SaveTarget, 'kind' | 'id'>, scope: string, saved: Saved): void {
  if ('operation' in saved) {
    announceWay(`${kind} ${id} is on its way to Git.`, scope, saved.operation.id);
    return;
  }
  const { pullRequest } = saved.entity;
  const href = pullRequest?.webUrl;
  const link = pullRequest == null || href == null ? undefined : { label: namePull(pullRequest), href };
  say(saved.entity.git === null ? `Saved ${kind} ${id}.` : `${sayCommitted(saved.entity)}.`, link);
}

/** What was accepted, and has not ended. */
export function announceWay(words: string, scope: string, operation: string): void {
  say(words, { label: 'Follow it', href: hrefOf(scope, ['operations', operation]) });
  tellHere('operation.accepted');
}

export const sayCommitted = ({ git }: Extract<Saved, { entity: unknown }>['entity']): string =>
  git === null ? 'Saved' : `Committed to ${git.branch} as ${git.commitId.slice(0, 8)}`;
