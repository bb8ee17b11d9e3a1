import { makeInProcessGit } from '../support/in-process-git.js';
import { nginx } from '../support/worlds/nginx.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', makeInProcessGit, { server: nginx });
