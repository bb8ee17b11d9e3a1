// Connections that a host has closed by the time they are used again.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Chain } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { change, makeStep } from '../support/git-suite.js';
import { MadeRepository } from '../support/made-repository.js';
import { ScriptedHost } from '../support/scripted-host.js';

const made = new MadeRepository();
const head = made.commit(made.tree([['100644', 'a.yaml', made.put('blob', 'a: 1\n')]]));
const chain: Chain = {
  branch: 'main',
  base: head,
  create: false,
  steps: [makeStep([change('a.yaml', 'a: 2\n')])],
};

let host: ScriptedHost;
let git: InProcessGit;
let hangUps = 0;

beforeAll(async () => {
  const answer = made.script();
  host = await ScriptedHost.open((asked) => (hangUps-- > 0 ? null : answer(asked)));
  git = new InProcessGit({ url: host.url() }, { allowHttp: true, allowPrivate: true });
});
afterAll(() => host.close());
beforeEach(async () => {
  hangUps = 0;
  await git.head('main');
  host.asked.length = 0;
});

test('A question is asked again', async () => {
  hangUps = 1;
  expect(await git.head('main')).toBe(head);
  expect(host.asked).toHaveLength(2);
});

test('A question is asked no third time', async () => {
  hangUps = 9;
  await expect(git.head('main')).rejects.toMatchObject({ code: 'GIT_UNREACHABLE' });
  expect(host.asked).toHaveLength(2);
});

test('A push is not sent again until its branch was looked at', async () => {
  await git.commit(chain);
  host.asked.length = 0;
  hangUps = 1;
  await git.commit(chain);
  const pushes = host.asked.map(({ target }) => target.endsWith('/git-receive-pack'));
  expect(pushes).toEqual([true, false, true]);
});
