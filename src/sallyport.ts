#!/usr/bin/env node
// `sallyport`: the command line. It speaks to the manager's API and to nothing else.
import './config/process.js';
import { buildProgram } from './cli/program.js';
import { version } from './config/version.js';

await buildProgram(version).parseAsync();
