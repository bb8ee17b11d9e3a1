// The handlers of the tasks about secrets themselves.
import type { TaskName } from '../../src/contract/tasks.js';
import { step } from '../../src/kernel/step.js';
import type { TaskHandlers } from '../../src/queue/task-worker.js';
import { type Keeping, keepValue } from './keep-value.js';
import { type LettingGo, resealSecret, revealSecret } from './let-go.js';
import { renewSecret } from './renew-secret.js';

export type SecretHandlers = Pick<TaskHandlers, Extract<TaskName, `secrets.${string}`>>;

export function secretHandlers(skills: Keeping & LettingGo): SecretHandlers {
  return {
    'secrets.check': async ({ manager }) => {
      const begun = performance.now();
      await skills.managers.use(manager, (one) => one.check());
      return { ms: performance.now() - begun };
    },
    'secrets.try': async ({ manager, scope, secret, stored }) => {
      const begun = performance.now();
      const found = await skills.managers.use(manager, (one) => one.tryOpening(stored, { scope, secret }));
      return { ms: performance.now() - begun, ...found };
    },
    'secrets.put': (value) => step('delegate.keep-secret', () => keepValue(skills, value)),
    'secrets.renew': (task) => step('delegate.renew-secret', () => renewSecret(skills.managers, task)),
    'secrets.reseal': (task) => step('delegate.reseal-secret', () => resealSecret(skills, task)),
    'secrets.reveal': (task) => step('delegate.reveal-secret', () => revealSecret(skills, task)),
  };
}
