// Claims of looks at tracked repositories, of imports and of pull requests are counted, so that who has lost one ends and extends
// nothing of the next.
import { statements } from './statements.js';

export const lookClaims = statements(`
alter table tracking add column claims bigint not null default 0;
alter table import add column claims bigint not null default 0;
alter table pull_request add column claims bigint not null default 0
`);
