// Every fact that a manager tells, made up: what others choose differs with the number, what is ours does not.
import type { FactName, Facts } from '../../src/kernel/facts.js';

export const sampleFacts: { [N in FactName]: (n: number) => Facts[N] } = {
  'api.flight': () => ({ change: 1 }),
  'api.request': () => ({ method: 'PUT', route: '/api/v1/accounts/:account', status: 200, seconds: 0.1 }),
  'lane.round': () => ({ outcome: 'worked', seconds: 1 }),
  'lane.push': () => ({ outcome: 'landed', operations: 3, seconds: 1 }),
  'lane.fault': (n) => ({ code: `CODE_${n}` }),
  'operation.end': (n) => ({ action: 'save', state: 'failed', code: `CODE_${n}`, seconds: 2 }),
  'git.request': (n) => ({
    host: `git-${n}.example`,
    kind: 'git',
    code: `CODE_${n}`,
    seconds: 0.1,
    bytesUp: 10,
    bytesDown: 20,
  }),
  'git.pause': (n) => ({ host: `git-${n}.example`, kind: 'api', seconds: 60 }),
  'queue.job': () => ({ job: 'lane.run', outcome: 'done', waitSeconds: 0.01, seconds: 0.01 }),
  'delegate.task': (n) => ({ group: `group-${n}`, task: 'git.commit', code: `CODE_${n}`, seconds: 1 }),
  'delegate.forgery': () => ({}),
  'secret.open': (n) => ({ kind: 'builtin', code: `CODE_${n}` }),
  'secret.renewal': (n) => ({ action: 'rewrap', code: `CODE_${n}` }),
  'webhook.arrival': (n) => ({ provider: 'github', code: `CODE_${n}` }),
  'webhook.end': () => ({ provider: 'github', outcome: 'acted', seconds: 0.1 }),
  'webhook.lag': () => ({ provider: 'github', seconds: 0.5 }),
  'poll.look': (n) => ({ because: 'hint', outcome: `CODE_${n}`, missed: true, seconds: 1 }),
  'refresh.end': (n) => ({ outcome: `CODE_${n}`, seconds: 1, files: { created: 1 } }),
  'import.part': () => ({ work: 'apply', files: { create: 3 } }),
  'import.end': (n) => ({ outcome: `CODE_${n}` }),
  'pull.work': (n) => ({ work: 'open', code: `CODE_${n}`, seconds: 1 }),
  'event.delivery': () => ({ outcome: 'delivered', seconds: 0.1 }),
};
