// What users are told to choose at each host: what is read of its deliveries, all of it, and what proves them.
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import { pastes } from '../../../src/webhooks/paste.js';
import { bytesOf, type Delivery, deliveries, proofOf, secretsOf, verdictOn } from '../support/deliveries.js';

const alike = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, name]));
const ofGitea = {
  where: 'Settings › Webhooks › Add Webhook',
  field: 'Secret',
  events: alike('push', 'create', 'delete', 'pull_request'),
};

/** Where it is made, where its secret goes, and each event as the host’s pages call it and as its deliveries do. */
const expected: Record<Provider, { where: string; field: string; events: Record<string, string> }> = {
  github: {
    where: 'Settings › Webhooks › Add webhook',
    field: 'Secret',
    events: alike('push', 'pull_request'),
  },
  gitlab: {
    where: 'Settings › Webhooks › Add new webhook',
    field: 'Signing token',
    events: {
      'Push events': 'Push Hook',
      'Tag push events': 'Tag Push Hook',
      'Merge request events': 'Merge Request Hook',
    },
  },
  'bitbucket-cloud': {
    where: 'Repository settings › Webhooks › Add webhook',
    field: 'Secret',
    events: alike(
      'repo:push',
      ...['created', 'updated', 'fulfilled', 'rejected'].map((event) => `pullrequest:${event}`),
    ),
  },
  'bitbucket-dc': {
    where: 'Repository settings › Webhooks › Create webhook',
    field: 'Secret',
    events: alike(
      'repo:refs_changed',
      ...['opened', 'from_ref_updated', 'modified', 'merged', 'declined', 'deleted'].map(
        (event) => `pr:${event}`,
      ),
    ),
  },
  gitea: ofGitea,
  forgejo: ofGitea,
  gogs: ofGitea,
  azure: {
    where: 'Project settings › Service hooks › Create subscription › Web Hooks',
    field: 'Basic authentication password',
    events: {
      'Code pushed': 'git.push',
      'Pull request created': 'git.pullrequest.created',
      'Pull request updated': 'git.pullrequest.updated',
      'Pull request merge attempted': 'git.pullrequest.merged',
    },
  },
  generic: { where: 'hooks/post-receive', field: 'X-Hub-Signature-256', events: alike('push') },
};

const eventOf = ({ host, headers, body }: Delivery): unknown =>
  headers[`x-${host}-event`] ?? headers['x-event-key'] ?? body.eventType ?? body.event ?? 'push';

describe.each(Provider.options)('%s', (host) => {
  const paste = pastes[host];
  const { where, field, events } = expected[host];
  const own = deliveries.filter((one) => one.host === host);
  const isRead = ({ kind }: { kind: string }): boolean => kind === 'refs' || kind === 'pull';

  it('says where, with which events and in which field', () => {
    expect(paste.where).toContain(where);
    expect(paste.secretField).toContain(field);
    expect(paste.events).toEqual(Object.keys(events));
  });

  it('has all of its events told that something follows from, but those of an administrator’s hook', () => {
    const read = own.filter(({ golden }) => isRead(golden.event)).map(eventOf);
    const missing = read.filter((event) => !Object.values(events).includes(event as string));
    expect([...new Set(missing)]).toEqual(host === 'gitlab' ? ['System Hook'] : []);
  });

  it('has none told that nothing follows from, but `create`', () => {
    const [pull] = own.filter(({ golden }) => golden.event.kind === 'pull');
    const unread = Object.values(events).filter((event) => {
      const recorded = own.filter((one) => eventOf(one) === event);
      // Of what is not recorded, a pull request under that name.
      const written =
        pull === undefined ? [] : [{ ...pull, headers: { ...pull.headers, 'x-event-key': event } }];
      return (recorded.length > 0 ? recorded : written).every(
        ({ headers, body }) => !isRead(codecs[host].parse(bytesOf(body), headers)),
      );
    });
    expect(unread).toEqual(['gitea', 'forgejo', 'gogs'].includes(host) ? ['create'] : []);
  });

  it('is of a media type that is read, and proves itself by the secret or by each header', () => {
    const raw = bytesOf({});
    const type = { 'content-type': paste.contentType };
    expect(codecs[host].accepts(type)).toBe(true);
    const given = Object.entries(paste.headers).map(([name, value]) => ({
      [name.toLowerCase()]: value.replace('<secret>', 'its secret'),
    }));
    for (const proof of [proofOf(host, raw, 'its secret'), ...given]) {
      expect(verdictOn(host, raw, { ...type, ...proof }, secretsOf('its secret'))).toBe('ok');
      expect(verdictOn(host, raw, { ...type, ...proof }, secretsOf('another'))).toBe('bad');
    }
  });
});
