// Loaded before manager or delegate: ends the process with SIGKILL at the named moment of a step, once.
import { subscribe } from 'node:diagnostics_channel';

const [step, moment] = (process.env.CRASH_AT ?? '').split(':');
if (step)
  subscribe('sallyport:step', (event) => {
    if (event.step === step && event.moment === moment) process.kill(process.pid, 'SIGKILL');
  });
