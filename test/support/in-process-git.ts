// The in-process engine as the suite makes it.
import { InProcessGit } from '../../src/git/in-process-git.js';
import { Secret } from '../../src/kernel/secret.js';
import type { MakeGit } from './git-suite.js';

export const makeInProcessGit: MakeGit = ({ url, username, password }) => {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  return new InProcessGit({ url, credential }, { allowHttp: true, allowPrivate: true });
};
