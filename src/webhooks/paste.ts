// What to paste at a host that Sallyport does not register its webhook at, by host.
import type { Provider } from '../providers/provider.js';

export interface Paste {
  /** Where in the host’s pages the webhook is made. */
  where: string;
  contentType: 'application/json';
  /** Which events to choose, as the host calls them. */
  events: readonly string[];
  /** Which field takes the secret. */
  secretField: string;
  /** Header fields to add; `<secret>` stands for the secret. */
  headers: Readonly<Record<string, string>>;
  notes: readonly string[];
}

const JSON_ONLY = { contentType: 'application/json', headers: {} } as const;

const ofGitea = (name: string): Paste => ({
  ...JSON_ONLY,
  where: `Settings › Webhooks › Add Webhook › ${name}`,
  events: ['push', 'create', 'delete', 'pull_request'],
  secretField: 'Secret',
  notes: [
    'Choose application/json: a form is refused, since what it signs is not what it sends',
    'In a private network ALLOWED_HOST_LIST of its [webhook] section has to name Sallyport',
  ],
});

export const pastes: Readonly<Record<Provider, Paste>> = {
  github: {
    ...JSON_ONLY,
    where: 'Settings › Webhooks › Add webhook',
    events: ['push', 'pull_request'],
    secretField: 'Secret',
    notes: [],
  },
  gitlab: {
    ...JSON_ONLY,
    where: 'Settings › Webhooks › Add new webhook',
    events: ['Push events', 'Tag push events', 'Merge request events'],
    secretField: 'Signing token, or Secret token where there is no such field',
    notes: ['Leave the custom webhook template empty: it can change all that is sent'],
  },
  'bitbucket-cloud': {
    ...JSON_ONLY,
    where: 'Repository settings › Webhooks › Add webhook',
    events: [
      'repo:push',
      'pullrequest:created',
      'pullrequest:updated',
      'pullrequest:fulfilled',
      'pullrequest:rejected',
    ],
    secretField: 'Secret',
    notes: ['Bitbucket sends nothing of a push that it takes more than 256 KB to describe; a poll finds it'],
  },
  'bitbucket-dc': {
    ...JSON_ONLY,
    where: 'Repository settings › Webhooks › Create webhook',
    events: [
      'repo:refs_changed',
      'pr:opened',
      'pr:from_ref_updated',
      'pr:modified',
      'pr:merged',
      'pr:declined',
      'pr:deleted',
    ],
    secretField: 'Secret',
    notes: [],
  },
  gitea: ofGitea('Gitea'),
  forgejo: ofGitea('Forgejo'),
  gogs: ofGitea('Gogs'),
  azure: {
    contentType: 'application/json',
    where: 'Project settings › Service hooks › Create subscription › Web Hooks, one for each event',
    events: ['Code pushed', 'Pull request created', 'Pull request updated', 'Pull request merge attempted'],
    secretField: 'Basic authentication password, with any user name',
    headers: { 'X-Sallyport-Secret': '<secret>' },
    notes: [
      'The password, the header or both: either proves a delivery, and none may be wrong',
      'Resource details to send: All',
    ],
  },
  generic: {
    ...JSON_ONLY,
    where: 'hooks/post-receive of the bare repository: the script is deploy/webhooks/post-receive',
    events: ['push'],
    secretField: 'the key of the HMAC-SHA-256 over the body, sent as X-Hub-Signature-256: sha256=<hex>',
    headers: {},
    notes: [],
  },
};
