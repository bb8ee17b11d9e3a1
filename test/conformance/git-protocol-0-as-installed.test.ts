import { makeInProcessGit } from '../support/in-process-git.js';
import { gitHostVersion0Stock } from '../support/worlds/git-http-backend.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', makeInProcessGit, { server: gitHostVersion0Stock });
