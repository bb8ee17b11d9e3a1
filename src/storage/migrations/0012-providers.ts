import { statements } from './statements.js';

export const providers = statements(`
alter table connector
  add column provider text not null default 'generic',
  add column api_url text
`);
