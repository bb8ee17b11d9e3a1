import { makeInProcessGit } from '../support/in-process-git.js';
import { dulwich } from '../support/worlds/dulwich.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', makeInProcessGit, { server: dulwich });
