// What the suite has to know of a Git server to run on it: how to start it, what it can do, and what it cannot.
import type { HostFeatures } from '../../../src/git/git.js';

/** What some cases of the suite need and not every server has. */
export const abilities = {
  hooks: 'runs the hooks of a repository and tells who pushes what they say',
  'read-only': 'refuses pushes to a repository whose settings say so',
  'kept-default': 'refuses to delete the branch that HEAD names',
} as const;

export type Ability = keyof typeof abilities;

export interface Account {
  username: string;
  password: string;
}

export interface RunningServer {
  /** Repositories are at `<url>/<name>.git`. */
  url: string;
  close(): Promise<void>;
}

export interface GitServer {
  /** One line of docs/reference/git-servers.md. */
  name: string;
  /** Versions the page speaks of: those of Debian 12. */
  triedWith: string;
  /** What a connector check finds. `agent` without its version. */
  features: Omit<HostFeatures, 'objectFormat' | 'push'>;
  /** Cases that need one of these are skipped. */
  lacks: Ability[];
  /** Idle for most of the time that a push takes: cases run side by side. */
  isSlow?: true;
  /** Settings of every repository. */
  config: Record<string, string>;
  /** Serves the bare repositories `<root>/<name>.git` on loopback to this account alone. */
  start(root: string, account: Account): Promise<RunningServer>;
}
