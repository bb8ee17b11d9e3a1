// The handlers of the tasks about secrets themselves.
import type { TaskInput, TaskName, TaskOutput } from '../../src/contract/tasks.js';
import { step } from '../../src/kernel/step.js';
import type { TaskContext, TaskHandlers } from '../../src/queue/task-worker.js';
import { type Keeping, keepValue } from './keep-value.js';
import { type LettingGo, resealSecret, revealSecret } from './let-go.js';
import { renewSecret } from './renew-secret.js';
import { auditSubject } from './secret-audit.js';

export type SecretHandlers = Pick<TaskHandlers, Extract<TaskName, `secrets.${string}`>>;

export function secretHandlers(skills: Keeping & LettingGo): SecretHandlers {
  return {
    'secrets.check': async ({ manager }) => {
      const begun = performance.now();
      await skills.managers.use(manager, (one) => one.check());
      return { ms: performance.now() - begun };
    },
    'secrets.try': (held, task) => trySecret(skills, held, task),
    'secrets.put': (value, task) => step('delegate.keep-secret', () => keepValue(skills, value, task)),
    'secrets.renew': (held, task) => step('delegate.renew-secret', () => renewSecret(skills, held, task)),
    'secrets.reseal': (held, task) => step('delegate.reseal-secret', () => resealSecret(skills, held, task)),
    'secrets.reveal': (held, task) => step('delegate.reveal-secret', () => revealSecret(skills, held, task)),
    'secrets.audit': (asked) => skills.audit.tell(asked),
  };
}

/** Opened past all that is remembered, and let go of at once. */
async function trySecret(
  { managers, audit }: LettingGo,
  { manager, scope, secret, stored }: TaskInput<'secrets.try'>,
  task: TaskContext,
): Promise<TaskOutput<'secrets.try'>> {
  const place = { scope, secret };
  const begun = performance.now();
  const found = await audit.announce(auditSubject(place, stored, manager), task, () =>
    managers.use(manager, (one) => one.tryOpening(stored, place)),
  );
  return { ms: performance.now() - begun, ...found };
}
