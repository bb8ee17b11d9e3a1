import { azureDialect } from '../support/host-servers/azure.js';
import { bitbucketCloudDialect } from '../support/host-servers/bitbucket-cloud.js';
import { bitbucketDcDialect } from '../support/host-servers/bitbucket-dc.js';
import { giteaDialect } from '../support/host-servers/gitea.js';
import { gitHubDialect } from '../support/host-servers/github.js';
import { gitLabDialect } from '../support/host-servers/gitlab.js';
import type { HostState } from '../support/host-servers/host-state.js';
import { describeHostApi } from './host-api.conformance.js';

const byName = (_: HostState, name: string): string => name;
const nobody = 'nobody-knows-me';
const unknownId = '99999999-9999-4999-8999-999999999999';
const one = (): number => 1;
/** The webhooks’ settings that belong to the product. */
const set =
  (more: Record<string, unknown>) =>
  ({ hooks }: HostState): void => {
    for (const hook of hooks) Object.assign(hook.more, more);
  };

describeHostApi('GitHub', {
  provider: 'github',
  dialect: gitHubDialect,
  path: '/acme/app.git',
  username: 'x-access-token',
  token: 'github_pat_0123456789abcdef',
  reviewer: byName,
  nobody,
  sees: { protected: true, canPush: true },
  malform: set({ content_type: 'form' }),
  registrations: one,
});

describeHostApi('GitLab', {
  provider: 'gitlab',
  dialect: gitLabDialect,
  path: '/gitlab/acme/team/app.git',
  needsApiUrl: true,
  username: 'oauth2',
  token: 'glpat-0123456789abcdef',
  reviewer: byName,
  nobody,
  sees: { protected: true, canPush: true },
  malform: set({ enable_ssl_verification: false }),
  registrations: one,
});

describeHostApi('Bitbucket Cloud', {
  provider: 'bitbucket-cloud',
  dialect: bitbucketCloudDialect,
  path: '/acme/app.git',
  username: 'ada@acme.example',
  token: 'ATATT-0123456789abcdef',
  reviewer: ({ people }, name) => `{${people.get(name)}}`,
  nobody: `{${unknownId}}`,
  sees: { protected: false, canPush: false },
  malform: set({ skip_cert_verification: true }),
  registrations: one,
});

describeHostApi('Bitbucket Data Center', {
  provider: 'bitbucket-dc',
  dialect: bitbucketDcDialect,
  path: '/bb/scm/acme/app.git',
  username: 'x-token-auth',
  token: 'BBDC-0123456789abcdef',
  reviewer: byName,
  nobody,
  sees: { protected: false, canPush: false },
  malform: set({ sslVerificationRequired: false }),
  registrations: one,
});

for (const [name, provider] of [
  ['Gitea', 'gitea'],
  ['Forgejo', 'forgejo'],
] as const)
  describeHostApi(name, {
    provider,
    dialect: (token) => giteaDialect(token, provider),
    path: '/forge/acme/app.git',
    username: 'sallyport',
    token: '0123456789abcdef0123456789abcdef01234567',
    reviewer: byName,
    nobody,
    sees: { protected: true, canPush: true },
    malform: set({ content_type: 'form' }),
    registrations: one,
  });

describeHostApi('Azure DevOps', {
  provider: 'azure',
  dialect: azureDialect,
  path: '/tfs/Main/Shop/_git/app',
  username: '',
  token: 'abcdefghijklmnopqrstuvwxyz234567',
  reviewer: ({ people }, name) => people.get(name) ?? '',
  nobody: unknownId,
  sees: { protected: false, canPush: false },
  malform: ({ hooks }) => {
    for (const { more } of hooks)
      more.consumerInputs = { ...(more.consumerInputs as object), resourceDetailsToSend: 'minimal' };
  },
  registrations: (topics) => topics.flatMap((topic) => (topic === 'push' ? ['1'] : ['1', '2', '3'])).length,
});
