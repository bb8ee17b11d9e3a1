import { makeInProcessGit } from '../support/in-process-git.js';
import { jgit } from '../support/worlds/jgit.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', makeInProcessGit, { server: jgit });
