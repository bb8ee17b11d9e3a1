// Dulwich: Git in Python, with an HTTP server of its own.
import { findProgram } from '../servers.js';
import type { GitServer } from './git-server.js';
import { besideThis, startServerProgram } from './server-program.js';

/** Debian's own interpreter: it is the one that has Debian's packages. */
const INTERPRETER = '/usr/bin/python3';
const MODULES = '/usr/lib/python3/dist-packages/dulwich';

export const dulwich: GitServer = {
  name: 'dulwich',
  triedWith: 'dulwich 0.21.2',
  features: { agent: null, protocol: 0, filter: false, shallow: true, wants: 'commits' },
  lacks: ['hooks', 'read-only', 'kept-default'],
  config: {},
  start: (root, account) => {
    findProgram('web.py', 'python3-dulwich', () => [MODULES]);
    return startServerProgram(INTERPRETER, [besideThis('dulwich-server.py')], root, account);
  },
};
