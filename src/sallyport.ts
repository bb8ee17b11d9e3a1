#!/usr/bin/env node
// `sallyport`: the command line. It speaks to the manager's API and to nothing else.
import './config/process.js';
import { buildProgram } from './cli/program.js';
import { goWhereNpmWasCalled } from './config/process.js';
import { version } from './config/version.js';

goWhereNpmWasCalled('sallyport');
await buildProgram(version).parseAsync();
