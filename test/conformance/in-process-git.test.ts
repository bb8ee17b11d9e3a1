import { makeInProcessGit } from '../support/in-process-git.js';
import { describeGit } from './git.conformance.js';

describeGit('InProcessGit', makeInProcessGit);
