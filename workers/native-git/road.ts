// The way of one operation to its host: how its commands find the host, and how they prove who they are.
import type { Remote } from '../../src/git/git.js';
import type { Network } from '../../src/git/network.js';
import type { Scripts } from './scripts.js';

/** What one command is told of the way. */
export interface Journey {
  /** The only protocols it may speak, as git wants them listed: `https:http`. */
  protocols: string;
  config: [string, string][];
  environment: Record<string, string>;
}

export interface Road {
  /** `name[:port]`, as failures name the host. */
  readonly host: string;
  /** The same for every way to the same repository. */
  readonly repository: string;
  /** Prepares one command. @throws Failure for an address that is denied, and what opening the credential fails with. */
  prepare: (command: { anonymous: boolean; secondsLeft: number }) => Promise<Journey>;
  /**
   * Makes sure that the host really has nothing to list: git takes many an answer for an empty repository.
   * @throws Failure GIT_ANSWER_INVALID
   */
  confirmEmpty: (secondsLeft: number) => Promise<void>;
  /** Takes back what the command before did not use. */
  rest: () => void;
  close: () => Promise<void>;
}

export interface RoadOptions {
  /** Its credential may be opened again and again; who opened the operation wipes it. */
  remote: Remote;
  /** The engine's folder. */
  root: string;
  allowHttp: boolean;
  network: Network;
  scripts: Scripts;
}
