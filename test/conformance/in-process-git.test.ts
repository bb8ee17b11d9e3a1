import { InProcessGit } from '../../src/git/in-process-git.js';
import { Secret } from '../../src/kernel/secret.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', ({ url, username, password }) => {
  const credential = { username, open: async () => new Secret(Buffer.from(password)) };
  return new InProcessGit({ url, credential }, { allowHttp: true, allowPrivate: true });
});
