// A connector may have been given another repository while requests of the one before were not over: those of the two are apart.
import { statements } from './statements.js';

export const pullRequestRepositories = statements(`
drop index pull_request_unfinished;
create unique index pull_request_unfinished
  on pull_request (connector_scope, connector_id, repository, branch, coalesce(base, ''))
  where state in ('wanted', 'open', 'failed')
`);
