// Loaded before manager or delegate: ends the process with SIGKILL at the named moment of a step, `lane.push:after`; at the second
// time of it, `lane.push:after:2`.
import { subscribe } from 'node:diagnostics_channel';

const [step, moment, times = '1'] = (process.env.CRASH_AT ?? '').split(':');
let seen = 0;
if (step)
  subscribe('sallyport:step', (event) => {
    if (event.step === step && event.moment === moment && ++seen === Number(times))
      process.kill(process.pid, 'SIGKILL');
  });
