// Who reads the webhooks of which provider.
import { azureCodec } from './azure/webhook.js';
import { bitbucketCloudCodec } from './bitbucket-cloud/webhook.js';
import { bitbucketDcCodec } from './bitbucket-dc/webhook.js';
import { genericCodec } from './generic/webhook.js';
import { forgejoCodec, giteaCodec, gogsCodec } from './gitea/webhook.js';
import { githubCodec } from './github/webhook.js';
import { gitlabCodec } from './gitlab/webhook.js';
import type { Provider } from './provider.js';
import type { HookCodec } from './webhook.js';

export const codecs: Readonly<Record<Provider, HookCodec>> = {
  github: githubCodec,
  gitlab: gitlabCodec,
  'bitbucket-cloud': bitbucketCloudCodec,
  'bitbucket-dc': bitbucketDcCodec,
  gitea: giteaCodec,
  forgejo: forgejoCodec,
  gogs: gogsCodec,
  azure: azureCodec,
  generic: genericCodec,
};
