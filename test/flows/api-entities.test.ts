// Entities over HTTP: what is accepted comes back byte for byte, in both forms of a save; and is listed.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import { fileAt, git } from '../support/repository.js';
import { oneBackend, Stack } from '../support/stack.js';

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into freely
type Json = any;

const into = { connector: 'direct', branch: 'main' };
const QUERY = 'connector=direct&branch=main';

/** The id that Git gives these bytes. */
const blobOf = (text: string): string =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');

const documents: [string, string][] = [
  ['lines of Windows', 'name: x\r\nsteps:\r\n  - run\r\n'],
  ['mixed line ends', 'name: x\nb: 1\r\nc: 2\n'],
  ['a byte order mark', '\ufeffname: x\n'],
  ['no final line end', 'name: x'],
  ['many final line ends', 'name: x\n\n\n'],
  ['emoji and their joiners', 'name: "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇩🇪"\n'],
  ['letters that could be composed', 'name: "e\u0301 \u00e9"\n'],
  ['odd spaces', 'name: "a\u00a0b\u2003c\u2028d\u0085e"\n'],
  ['trailing spaces and tabs', 'name: x   \t\n'],
  ['comments and an end of document', '# one\n---\nname: x # two\n...\n# three\n'],
  ['escapes', 'name: "\\u00e9\\x41\\n\\0"\n'],
  ['anchors and a merge key', 'a: &a {b: 1}\nc:\n  <<: *a\n'],
  ['names of an object’s prototype', '__proto__: 1\nconstructor: 2\ntoString: {valueOf: 3}\n'],
  ['JSON', '{"name":"x","list":[1,2.50,1e3]}'],
  ['nothing but a mapping', '{}'],
];

describe.each(oneBackend)('on the %s servers', (backend) => {
  let stack: Stack;
  let api: DocumentedApi;

  beforeAll(async () => {
    stack = await Stack.start(backend);
    api = await DocumentedApi.open(stack.api);
    for (const scope of ['orgs/lists', 'orgs/other']) await api.ok('PUT', `accounts/demo/${scope}`, {});
  });
  afterAll(() => stack.stop());

  describe.each(documents)('a document with %s', (name, yaml) => {
    const id = `d${documents.findIndex(([one]) => one === name)}`;
    const file = { json: `pipelines/${id}-json.yaml`, bare: `pipelines/${id}-bare.yaml` };

    it('is the same text in the answer, in the copy and in Git, whichever way it came', async () => {
      const json = await api.save(`${id}-json`, yaml, into);
      const bare = await api.request('PUT', `accounts/demo/entities/pipeline/${id}-bare?${QUERY}`, yaml);
      for (const answer of [json, bare]) {
        expect(answer.status, answer.text).toBe(201);
        expect(answer.body.yaml).toBe(yaml);
        expect(answer.body.git.blobId).toBe(blobOf(yaml));
        expect(answer.headers.get('etag')).toBe(`"${blobOf(yaml)}"`);
        const read = await api.request('GET', `accounts/demo/entities/pipeline/${answer.body.id}`);
        expect(read.body).toMatchObject(answer.body);
      }
      expect(fileAt(stack.repository, file.json)).toBe(yaml);
      const ids = Object.values(file).map((one) => git(stack.repository, 'rev-parse', `main:${one}`).trim());
      expect(ids).toEqual([blobOf(yaml), blobOf(yaml)]);
    });
  });

  describe('curl -T', () => {
    const upload = async (name: string, content: string | Buffer, address: string, ...more: string[]) => {
      const file = path.join(stack.home, name);
      fs.writeFileSync(file, content);
      const { stdout } = await promisify(execFile)(
        'curl',
        [
          ...['-sS', '-T', file, '-w', '\n%{http_code} %{content_type}', ...more],
          `${stack.api.url}/api/v1/accounts/demo/entities/pipeline/${address}`,
        ],
        { maxBuffer: 64 * 1024 * 1024 },
      );
      const [, body = '', status, type] = /^(.*)\n(\d+) (.*)$/s.exec(stdout) ?? [];
      return { status: Number(status), type, body: JSON.parse(body) as Json };
    };
    const bearer = (): string[] => ['-H', `Authorization: Bearer ${stack.token}`];

    it('saves a file as it lies on the disk', async () => {
      const yaml = '\ufeff# Ünïcode\r\nname: curl\r\n';
      const query = `${QUERY}&message=From%20curl%20%E2%9C%93&authorName=Ada%20Lovelace&authorEmail=ada@example.org`;
      const { status, body } = await upload('pipeline.yaml', yaml, `curl?${query}`, ...bearer());
      expect(status, JSON.stringify(body)).toBe(201);
      expect(body).toMatchObject({
        kind: 'pipeline',
        id: 'curl',
        yaml,
        git: { path: 'pipelines/curl.yaml' },
      });
      expect(fileAt(stack.repository, 'pipelines/curl.yaml')).toBe(yaml);
      expect(git(stack.repository, 'log', '-1', '--format=%an <%ae> %s', body.git.commitId).trim()).toBe(
        'Ada Lovelace <ada@example.org> From curl ✓',
      );
    });

    it('saves it where it is already, without saying where', async () => {
      const etag = `"${blobOf('name: one\n')}"`;
      await upload('one.yaml', 'name: one\n', `again?${QUERY}`, ...bearer());
      const second = await upload('two.yaml', 'name: two\n', 'again', ...bearer(), '-H', `If-Match: ${etag}`);
      expect(second.status).toBe(200);
      const stale = await upload(
        'three.yaml',
        'name: three\n',
        'again',
        ...bearer(),
        '-H',
        `If-Match: ${etag}`,
      );
      expect(stale).toMatchObject({ status: 409, body: { code: 'ENTITY_CONFLICT' } });
    });

    it('saves a whole mebibyte, and not a byte more', async () => {
      const whole = `name: ${'x'.repeat(1024 * 1024 - 6)}`;
      expect(await upload('whole.yaml', whole, `whole?${QUERY}`, ...bearer())).toMatchObject({ status: 201 });
      expect(fileAt(stack.repository, 'pipelines/whole.yaml')).toBe(whole);
      const more = await upload('more.yaml', `${whole}x`, `more?${QUERY}`, ...bearer());
      expect(more).toMatchObject({ status: 422, body: { code: 'YAML_REFUSED' } });
    });

    it('is told that its token is wrong, however large the file', async () => {
      const content = Buffer.alloc(4 * 1024 * 1024, 'x');
      const { status, type } = await upload(
        'large.yaml',
        content,
        `x?${QUERY}`,
        '-H',
        'Authorization: Bearer x',
      );
      expect(status).toBe(401);
      expect(type).toContain('application/problem+json');
    });

    it('of an empty file is refused as the document it is', async () => {
      const { status, body } = await upload('empty.yaml', '', `empty?${QUERY}`, ...bearer());
      expect({ status, code: body.code }).toEqual({ status: 422, code: 'YAML_REFUSED' });
    });
  });

  it('takes a mebibyte in JSON, every character of it escaped, and not a character more', async () => {
    const save = (length: number) => {
      const yaml = `name: ${'x'.repeat(length - 6)}`;
      const escaped = yaml.replaceAll('x', '\\u0078');
      const body = `{"yaml":"${escaped}","git":${JSON.stringify(into)}}`;
      const headers = { 'content-type': 'application/json' };
      return api.request('PUT', 'accounts/demo/entities/pipeline/escaped', body, headers);
    };
    expect((await save(1024 * 1024)).status).toBe(201);
    expect((await save(1024 * 1024 + 1)).body.code).toBe('YAML_REFUSED');
  });

  describe('a list of entities', () => {
    const scope = 'accounts/demo/orgs/lists';
    const ids = Array.from({ length: 9 }, (_, n) => `listed-${n}`);
    const save = (kind: string, id: string, yaml: string, git_: object = into) =>
      api.ok('PUT', `${scope}/entities/${kind}/${id}`, { yaml, git: git_ });
    const list = (query = ''): Promise<Json> => api.ok('GET', `${scope}/entities?${query}`);
    const names = ({ entities }: Json): string[] =>
      entities.map(({ kind, id, git: { branch } }: Json) => `${kind} ${id} ${branch}`);

    beforeAll(async () => {
      await api.ok('PUT', 'accounts/demo/kinds/step', { schema: {}, pathTemplate: '{org}/steps/{id}.yaml' });
      for (const id of ids) await save('pipeline', id, `name: ${id}\n`);
      await save('step', 'first', 'name: first\n');
      await save('pipeline', 'listed-0', 'name: side\n', { ...into, branch: 'side', newBranchFrom: 'main' });
    });

    it('is of its scope alone, in the order in which they came', async () => {
      const all = await list();
      expect(names(all)).toEqual([
        ...ids.map((id) => `pipeline ${id} main`),
        'step first main',
        'pipeline listed-0 side',
      ]);
      expect(all.nextCursor).toBeNull();
      const read = await api.ok('GET', `${scope}/entities/pipeline/listed-0?branch=main`);
      expect(read).toEqual({ ...all.entities[0], freshness: read.freshness });
      expect((await api.ok('GET', 'accounts/demo/orgs/other/entities')).entities).toEqual([]);
      expect(names(await api.ok('GET', 'accounts/demo/entities?limit=1000')).join()).not.toContain('listed');
    });

    it.each([
      ['kind=step', ['step first main']],
      ['branch=side', ['pipeline listed-0 side']],
      ['kind=pipeline&branch=side', ['pipeline listed-0 side']],
      ['kind=step&branch=side', []],
      ['kind=none', []],
      ['branch=main&kind=pipeline&limit=2', ['pipeline listed-0 main', 'pipeline listed-1 main']],
    ])('filtered by %s', async (query, expected) => {
      expect(names(await list(query))).toEqual(expected);
    });

    it('goes through all of them once, while others are saved, changed and deleted', async () => {
      const seen: string[] = [];
      let cursor: string | null = null;
      for (let page = 0; page === 0 || cursor !== null; page++) {
        const found = await list(
          `branch=main&kind=pipeline&limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
        );
        seen.push(...names(found));
        ({ nextCursor: cursor } = found);
        // One that was seen, one that was not, a new one; and one that was seen goes.
        if (page > 1) continue;
        await save('pipeline', ids[page] as string, `name: changed ${page}\n`);
        await save('pipeline', ids[7 - page] as string, `name: changed too ${page}\n`);
        await save('pipeline', `late-${page}`, 'name: late\n');
        if (page === 0) await api.ok('DELETE', `${scope}/entities/pipeline/${ids[2]}?branch=main`);
      }
      const expected = [...ids, 'late-0', 'late-1'].map((id) => `pipeline ${id} main`);
      expect(seen).toEqual(expected);
    });

    it('ends exactly with the last full page', async () => {
      const { entities } = await list('kind=pipeline&branch=main&limit=1000');
      const page = await list(`kind=pipeline&branch=main&limit=${entities.length}`);
      expect(page.nextCursor).toBeNull();
      const one = await list('kind=pipeline&branch=main&limit=1');
      expect(one.nextCursor).toMatch(/^[A-Za-z0-9_-]+$/);
    });
  });

  it('nothing of this was a fault of Sallyport’s own', () => {
    expect(stack.logs()).not.toContain('unexpected fault');
  });
});
