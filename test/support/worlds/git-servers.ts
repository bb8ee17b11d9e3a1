// Every server the suite runs on, in the order of docs/reference/git-servers.md.
import { dulwich } from './dulwich.js';
import {
  gitHost,
  gitHostVersion0,
  gitHostVersion0Stock,
  gitHostVersion1,
  gitHostWithoutFilter,
} from './git-http-backend.js';
import type { GitServer } from './git-server.js';
import { jgit } from './jgit.js';
import { nginx } from './nginx.js';

export const gitServers: Record<string, GitServer> = {
  gitHost,
  nginx,
  gitHostWithoutFilter,
  gitHostVersion1,
  gitHostVersion0,
  gitHostVersion0Stock,
  dulwich,
  jgit,
};
