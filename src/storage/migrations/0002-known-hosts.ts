import { statements } from './statements.js';

export const knownHosts = statements(`
alter table connector add column known_hosts text
`);
