// What the codecs make of what no recorded delivery shows: the traps that others fell into, and what Git could not have meant.
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import { type HookHeaders, MalformedHook } from '../../../src/providers/webhook.js';
import { deliveryOf, malformed, parse } from '../support/deliveries.js';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
interface Written {
  ref: string;
  before: string;
  after: string;
}

/** How each host says that these refs moved; hosts with one ref a delivery say the first. */
const pushes: Record<Provider, (changes: Written[]) => [HookHeaders, unknown]> = {
  github: ([one]) => [{ 'x-github-event': 'push' }, one],
  gitlab: (changes) => [{ 'x-gitlab-event': 'System Hook' }, { event_name: 'repository_update', changes }],
  'bitbucket-cloud': (changes) => [
    { 'x-event-key': 'repo:push' },
    {
      push: {
        changes: changes.map(({ ref, before, after }) => {
          const at = (hash: string) => ({
            type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
            name: ref.replace(/^refs\/(heads|tags)\//, ''),
            target: { hash },
          });
          return { old: at(before), new: at(after) };
        }),
      },
    },
  ],
  'bitbucket-dc': (changes) => [
    { 'x-event-key': 'repo:refs_changed' },
    {
      changes: changes.map(({ ref, before, after }) => ({
        ref: { id: ref },
        type: 'UPDATE',
        fromHash: before,
        toHash: after,
      })),
    },
  ],
  gitea: ([one]) => [{ 'x-gitea-event': 'push' }, one],
  forgejo: ([one]) => [{ 'x-forgejo-event': 'push' }, one],
  gogs: ([one]) => [{ 'x-gogs-event': 'push' }, one],
  azure: (changes) => [
    {},
    {
      eventType: 'git.push',
      resource: {
        refUpdates: changes.map(({ ref, before, after }) => ({
          name: ref,
          oldObjectId: before,
          newObjectId: after,
        })),
      },
    },
  ],
  generic: (changes) => [{}, { changes }],
};
const ofMany = Provider.options.filter((host) => !['github', 'gitea', 'forgejo', 'gogs'].includes(host));

const changesOf = (host: Provider, ...written: Written[]) => {
  const event = parse(host, ...pushes[host](written));
  return event.kind === 'refs' ? event.changes : event;
};
const moved = (ref: string, before = A, after = B): Written => ({ ref, before, after });
const known = { before: A, after: B, forced: null };

describe.each(Provider.options)('a push to %s', (host) => {
  it.each([
    'refs/heads/main',
    'refs/heads/a/b-c_d.e',
    'refs/heads/größe',
    'refs/heads/__proto__',
    'refs/heads/-f',
  ])('moves %s', (ref) => {
    expect(changesOf(host, moved(ref))).toEqual([{ ref, type: 'branch', ...known }]);
  });

  it('tells a tag from a branch of the same name', () => {
    expect(changesOf(host, moved('refs/tags/main'))).toEqual([
      { ref: 'refs/tags/main', type: 'tag', ...known },
    ]);
  });

  it.each([
    ['zeros of 40 digits', '0'.repeat(40), null],
    ['zeros of 64 digits', '0'.repeat(64), null],
    ['64 digits', 'c'.repeat(64), 'c'.repeat(64)],
    ['upper case', 'ABCDEF1234'.repeat(4), 'abcdef1234'.repeat(4)],
  ])('reads an id of %s', (_what, written, id) => {
    expect(changesOf(host, moved('refs/heads/main', written, B))).toMatchObject([{ before: id, after: B }]);
    expect(changesOf(host, moved('refs/heads/main', A, written))).toMatchObject([{ before: A, after: id }]);
  });

  it.each(['', 'main', A.slice(1), `${A}0`, 'g'.repeat(40), '0'.repeat(41), '0', `${A}\n`, '--all'])(
    'does not know what moved when an id is %j',
    (id) => {
      expect(changesOf(host, moved('refs/heads/main', id, B))).toBe('unknown');
      expect(changesOf(host, moved('refs/heads/main', A, id))).toBe('unknown');
    },
  );

  it.each([
    'refs/heads/a..b',
    'refs/heads/.a',
    'refs/heads/a.lock',
    'refs/heads/a b',
    'refs/heads/a\nb',
    'refs/heads/a\0b',
    'refs/heads/a:b',
    'refs/heads/a~1',
    'refs/heads/a\\b',
    'refs/heads/a//b',
    'refs/heads/../../../etc/passwd',
    'refs/heads/',
    'refs/heads/@{u}',
    'refs/heads/\ufffd',
    'refs/heads/\ud800',
    `refs/heads/${'x'.repeat(1_024)}`,
  ])('does not know what moved when a ref is %j', (ref) => {
    expect(changesOf(host, moved(ref))).toBe('unknown');
  });
});

it.each(Provider.options.filter((host) => host !== 'bitbucket-cloud'))(
  'what %s calls by no full name is not guessed',
  (host) => {
    for (const ref of ['', 'main', 'heads/main', 'HEAD', '--upload-pack=x', 'https://example.com/a'])
      expect(changesOf(host, moved(ref))).toBe('unknown');
    expect(changesOf(host, moved('refs/notes/commits'))).toEqual([
      { ref: 'refs/notes/commits', type: 'other', ...known },
    ]);
  },
);

describe.each(ofMany)('a list of refs from %s', (host) => {
  const branch = (index: number) => moved(`refs/heads/b${index}`);

  it('is taken as a whole, and in order', () => {
    const changes = changesOf(host, branch(2), branch(1), moved('refs/tags/b1'));
    expect(changes).toMatchObject([
      { ref: 'refs/heads/b2' },
      { ref: 'refs/heads/b1' },
      { ref: 'refs/tags/b1' },
    ]);
  });

  it('is unknown as a whole when one of it is not known', () => {
    expect(changesOf(host, branch(1), moved('refs/heads/a..b'), branch(2))).toBe('unknown');
  });

  it('is unknown when it is empty', () => {
    expect(changesOf(host)).toBe('unknown');
  });

  it('is known up to 5,000 refs, and not read beyond', () => {
    const many = Array.from({ length: 5_001 }, (_, index) => branch(index));
    expect(changesOf(host, ...many.slice(1))).toHaveLength(5_000);
    expect(changesOf(host, ...many)).toBe('unknown');
  });

  it('is unknown when it is absent or null', () => {
    const [headers, body] = pushes[host]([branch(1)]);
    const without = JSON.stringify(body).replace(/"(changes|refUpdates)":\[.*?\](?=\})/, '"$1":null');
    expect(parse(host, headers, Buffer.from(without))).toMatchObject({ changes: 'unknown' });
    const absent = without.replace(/,?"(changes|refUpdates)":null/, '');
    expect(parse(host, headers, Buffer.from(absent))).toMatchObject({ kind: 'refs', changes: 'unknown' });
  });

  it('is malformed when it is no list, or holds what is no change', () => {
    const [headers, body] = pushes[host]([branch(1)]);
    for (const list of ['{}', '"x"', '[null]', '[{}]', '[[]]', '[{"ref":1}]']) {
      const text = JSON.stringify(body).replace(/("(?:changes|refUpdates)":)\[.*?\](?=\})/, `$1${list}`);
      expect([list, malformedOrUnknown(host, headers, text)]).toEqual([list, true]);
    }
  });

  /** Bitbucket Cloud's change without old and new is no wrong type; it is merely not known. */
  function malformedOrUnknown(at: Provider, headers: HookHeaders, text: string): boolean {
    try {
      const event = parse(at, headers, Buffer.from(text));
      return event.kind === 'refs' && event.changes === 'unknown';
    } catch (error) {
      return error instanceof MalformedHook;
    }
  }
});

describe.each(Provider.options)('a body for %s', (host) => {
  const [headers] = pushes[host]([moved('refs/heads/main')]);

  it.each(['', 'x', '[]', 'null', '1', '"x"', '{', '{}}', '\0', '[{}]', "{'a':1}"])(
    '%j is malformed',
    (text) => {
      expect(malformed(host, headers, Buffer.from(text)).reason).toBe('body');
    },
  );

  it('is not quoted in what is said of it', () => {
    const { message } = malformed(host, headers, Buffer.from('{"ref": hunter2}'));
    expect(message).not.toContain('hunter2');
  });

  it.each(['text/plain', 'text/xml', 'multipart/form-data; boundary=x', 'application/jsonx', 'json'])(
    'of type %s is not read',
    (type) => {
      const typed = { ...headers, 'content-type': type };
      expect(codecs[host].accepts(typed)).toBe(false);
      expect(malformed(host, typed, Buffer.from('{}')).reason).toBe('media-type');
    },
  );

  it.each(['application/json', 'Application/JSON; charset=utf-8', 'application/vnd.host+json', ''])(
    'of type %j is read',
    (type) => {
      const typed = { ...headers, 'content-type': type };
      expect(codecs[host].accepts(typed)).toBe(true);
      const [, body] = pushes[host]([moved('refs/heads/main')]);
      expect(parse(host, typed, body).kind).toBe('refs');
    },
  );

  it('is ignored when its event is unknown', () => {
    const unknown = Object.fromEntries(Object.keys(headers).map((name) => [name, 'a new\u00a0event']));
    const event = parse(host, unknown, { eventType: 'a.new.event', event: 'new', object_kind: 'new' });
    expect(event).toMatchObject({ kind: 'ignored', why: expect.stringMatching(/^event a?[ -~]+ tells of/) });
  });
});

describe('a form', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const { headers, body, golden } = deliveryOf('github', 'push');
  const encoded = encodeURIComponent(JSON.stringify({ ...body, note: 'a + b & c = d' }));

  it.each([
    ['alone', `payload=${encoded}`],
    ['after another field', `a=b&payload=${encoded}`],
    ['after a field whose name ends so', `xpayload=x&payload=${encoded}`],
    ['before another field', `payload=${encoded}&payload=x`],
    ['with spaces as plus', `payload=${encoded.replaceAll('%20', '+')}`],
  ])('of GitHub is read: payload %s', (_what, text) => {
    expect(parse('github', { ...headers, ...form }, Buffer.from(text))).toEqual(golden.event);
  });

  it('of GitHub has its plus signs and escapes read', () => {
    const text = 'payload={"repository":{"full_name":"a+b%2Bc+%C3%A4"}%7d';
    const { repo } = parse('github', { ...form, 'x-github-event': 'ping' }, Buffer.from(text));
    expect(repo.fullName).toBe('a b+c ä');
  });

  it.each([
    '',
    'x=1',
    'xpayload={}',
    'payload',
    'payload=',
    'payload=%',
    'payload=%ff',
    'payload=x',
    'payload=[]',
  ])('of GitHub that is %j is malformed', (text) => {
    expect(malformed('github', { ...headers, ...form }, Buffer.from(text)).reason).toBe('body');
  });

  it.each(Provider.options.filter((host) => host !== 'github'))('of %s is not read', (host) => {
    expect(codecs[host].accepts(form)).toBe(false);
    const problem = malformed(host, form, Buffer.from(`payload=${encoded}`));
    expect([problem.reason, problem.message]).toEqual([
      'media-type',
      expect.stringContaining('application/json'),
    ]);
  });
});

describe('what only one host has', () => {
  it.each(['{}', '{"text":"Ada pushed"}', '{"object_kind":5}'])('GitLab: %s is a custom template', (text) => {
    for (const event of ['Push Hook', 'System Hook', ''])
      expect(malformed('gitlab', { 'x-gitlab-event': event }, Buffer.from(text)).message).toContain(
        'template',
      );
  });

  it('GitLab: a body tells its kind where the header is missing', () => {
    const { body, golden } = deliveryOf('gitlab', 'push');
    expect(parse('gitlab', {}, body)).toEqual(golden.event);
  });

  it.each([
    ['opened', 'open'],
    ['locked', 'open'],
    ['closed', 'closed'],
    ['merged', 'merged'],
  ])('GitLab: a merge request that is %s is %s', (state, expected) => {
    const { headers, body } = deliveryOf('gitlab', 'merge-request-opened');
    const object_attributes = { ...(body.object_attributes as object), state, squash_commit_sha: B };
    expect(parse('gitlab', headers, { ...body, object_attributes })).toMatchObject({ state: expected });
  });

  it('GitLab: what was squashed without a merge commit is what arrived', () => {
    const { headers, body } = deliveryOf('gitlab', 'merge-request-merged');
    const object_attributes = {
      ...(body.object_attributes as object),
      merge_commit_sha: null,
      squash_commit_sha: B,
    };
    expect(parse('gitlab', headers, { ...body, object_attributes })).toMatchObject({ mergeSha: B });
  });

  it('GitHub: the trial merge of an open pull request is not its merge', () => {
    const { headers, body, golden } = deliveryOf('github', 'pull-request-opened');
    const pull_request = { ...(body.pull_request as object), merge_commit_sha: B };
    expect(parse('github', headers, { ...body, pull_request })).toEqual(golden.event);
  });

  it('Bitbucket Cloud: a full merge commit is believed, and a short one is none', () => {
    const { headers, body } = deliveryOf('bitbucket-cloud', 'pullrequest-fulfilled');
    const of = (hash: string) =>
      parse('bitbucket-cloud', headers, {
        pullrequest: { ...(body.pullrequest as object), merge_commit: { hash } },
      });
    expect(of(B)).toMatchObject({ mergeSha: B });
    expect(of(B.slice(0, 12))).not.toHaveProperty('mergeSha');
  });

  it('Bitbucket Cloud: what is neither a branch nor a tag is unknown', () => {
    const at = { type: 'bookmark', name: 'x', target: { hash: A } };
    for (const change of [{ old: null, new: at }, { old: null, new: null }, {}])
      expect(
        parse('bitbucket-cloud', { 'x-event-key': 'repo:push' }, { push: { changes: [change] } }),
      ).toMatchObject({
        changes: 'unknown',
      });
  });

  it('Bitbucket Data Center: ADD and DELETE count, whatever ids come with them', () => {
    const of = (type: string) =>
      parse(
        'bitbucket-dc',
        { 'x-event-key': 'repo:refs_changed' },
        { changes: [{ ref: { id: 'refs/heads/x' }, type, fromHash: A, toHash: B }] },
      );
    expect([of('ADD'), of('DELETE')]).toMatchObject([
      { changes: [{ before: null, after: B }] },
      { changes: [{ before: A, after: null }] },
    ]);
  });

  it.each(['gitea', 'forgejo', 'gogs'] as const)('%s: a deleted tag is no branch', (host) => {
    const { headers, body } = deliveryOf(host, 'delete-branch');
    expect(parse(host, headers, { ...body, ref_type: 'tag' })).toMatchObject({
      changes: [{ ref: 'refs/tags/feature/one', type: 'tag', after: null }],
    });
    expect(malformed(host, headers, { ...body, ref_type: 'commit' }).reason).toBe('body');
  });

  it.each([
    ['completed', 'succeeded', 'merged'],
    ['completed', 'conflicts', 'open'],
    ['completed', undefined, 'open'],
    ['active', 'succeeded', 'open'],
    ['notSet', 'notSet', 'open'],
    ['abandoned', 'succeeded', 'closed'],
  ])('Azure: a pull request %s, its merge %s, is %s', (status, mergeStatus, state) => {
    const { headers, body } = deliveryOf('azure', 'pullrequest-merged');
    const event = parse('azure', headers, {
      ...body,
      resource: { ...(body.resource as object), status, mergeStatus },
    });
    expect(event).toMatchObject({ kind: 'pull', state });
    expect('mergeSha' in event).toBe(state === 'merged');
  });
});

it.each([
  ['github', 'pull-request-opened'],
  ['gitlab', 'merge-request-opened'],
  ['bitbucket-cloud', 'pullrequest-created'],
  ['bitbucket-dc', 'pr-opened'],
  ['gitea', 'pull-request-opened'],
  ['gogs', 'pull-request-opened'],
  ['azure', 'pullrequest-created'],
] as const)('a pull request of %s between what cannot be branches is malformed', (host, name) => {
  const { headers, body, golden } = deliveryOf(host, name);
  const { head, base } = golden.event as { head: string; base: string };
  for (const side of [head, base])
    for (const bad of ['', 'a..b', 'a b', '\\ud800', 'x'.repeat(2_000)]) {
      const text = JSON.stringify(body).replaceAll(`${side}"`, `${bad}"`);
      expect(malformed(host, headers, Buffer.from(text)).reason).toBe('body');
    }
});
