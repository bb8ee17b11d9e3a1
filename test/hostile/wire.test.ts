// Answers that are HTTP, and wrong in Git's protocol: cut off anywhere, said twice, without end, or lies.
import { expect, test } from 'vitest';
import type { Git } from '../../src/git/git.js';
import { InProcessGit } from '../../src/git/in-process-git.js';
import { encodePacket, FLUSH } from '../../src/git/pkt-line.js';
import type { ErrorCode } from '../../src/kernel/errors.js';
import { change, makeStep } from '../support/git-suite.js';
import {
  advertise,
  band,
  bodyOf,
  MadeRepository,
  packAnswer,
  packetsOf,
  type Question,
  report,
  result,
  type Wrong,
} from '../support/made-repository.js';
import { type Answer, ScriptedHost, withoutEnd } from '../support/scripted-host.js';
import { failureFrom } from '../unit/support/refusals.js';
import { describeHostile, type Expected } from './arena.js';

const made = new MadeRepository();
const head = made.commit(made.tree([['100644', 'a.yaml', made.put('blob', 'a: 1\n')]]));
const other = '0123456789'.repeat(4);

const works: Partial<Record<Question, (git: Git) => Promise<unknown>>> = {
  discover: (git) => git.head('main'),
  refs: (git) => git.heads(),
  fetch: (git) => git.list(head, ''),
};

/** Places within an answer by what is cut there. Counted from the pack's end where negative. */
const places: Record<string, [string, (body: Buffer) => number][]> = {
  discover: [
    ['within the first length', () => 2],
    ['after the first length', () => 4],
    ['within a packet', () => 12],
    ['between two packets', () => 30],
    ['before the last flush', (body) => body.length - 4],
    ['within the last flush', (body) => body.length - 2],
  ],
  refs: [
    ['to nothing', () => 0],
    ['within the first length', () => 3],
    ['within an id', () => 20],
    ['before the last flush', (body) => body.length - 4],
  ],
  fetch: [
    ['to nothing', () => 0],
    ['within the word that announces the pack', () => 8],
    ['before the pack', (body) => body.indexOf('PACK') - 5],
    ['within the header of the pack', (body) => body.indexOf('PACK') + 6],
    ['before the first object', (body) => body.indexOf('PACK') + 12],
    ['within the header of an object', (body) => body.indexOf('PACK') + 13],
    ['within an object', (body) => body.indexOf('PACK') + 30],
    ['before the checksum', (body) => body.length - 24],
    ['within the checksum', (body) => body.length - 14],
  ],
};

describeHostile('A host that falls silent', (arena) => {
  for (const [question, cuts] of Object.entries(places))
    for (const [where, at] of cuts) {
      const work = works[question as Question] as (git: Git) => Promise<unknown>;
      const cut = (right: Answer): Buffer => bodyOf(right).subarray(0, at(bodyOf(right)));

      test(`and breaks the line of ${question} ${where}`, async () => {
        // One more byte was promised.
        const broken = (right: Answer): Answer => {
          const head = `HTTP/1.1 200 OK\r\nContent-Type: ${right.headers?.['Content-Type']}\r\nContent-Length: ${cut(right).length + 1}\r\n\r\n`;
          return { head, body: cut(right), end: 'cut' };
        };
        const host = await arena.host(made.script({ [question]: broken }));
        expect((await arena.refusal(work, host.url())).code).toBe('GIT_UNREACHABLE');
      });

      test(`and ends the answer of ${question} ${where}`, async () => {
        const host = await arena.host(
          made.script({ [question]: (right: Answer) => ({ ...right, body: cut(right) }) }),
        );
        const { code } = await arena.refusal(work, host.url());
        // The system git has one half ask the host and the other hang up on it.
        const codes =
          arena.engine === 'NativeGit' ? ['GIT_ANSWER_INVALID', 'GIT_UNREACHABLE'] : ['GIT_ANSWER_INVALID'];
        expect(codes).toContain(code);
      });
    }
});

test('An answer that is cut after any byte is refused by InProcessGit', async () => {
  let cut = 0;
  const host = await ScriptedHost.open(
    made.script({ fetch: (right) => ({ ...right, body: bodyOf(right).subarray(0, cut) }) }),
  );
  const git = new InProcessGit({ url: host.url() }, { allowHttp: true, allowPrivate: true });
  const whole = bodyOf(packAnswer(made.pack([...made.objects.keys()].slice(1)))).length;
  // Without its last flush a pack is whole, but not its channel.
  for (cut = 0; cut < whole; cut++)
    expect(await failureFrom(git.list(head, ''))).toMatchObject({ code: 'GIT_ANSWER_INVALID' });
  expect(await git.list(head, '')).toHaveLength(1);
  await host.close();
});

const sha256: Wrong = {
  discover: () =>
    advertise('git-upload-pack', [
      packetsOf(['version 2', 'ls-refs', 'fetch', 'object-format=sha256']),
      FLUSH,
    ]),
  refs: () =>
    result('git-upload-pack', [packetsOf([`${'0123456789abcdef'.repeat(4)} refs/heads/main`]), FLUSH]),
};
const main = `${head} refs/heads/main`;
const lines = (...all: string[]): Wrong => ({
  refs: () => result('git-upload-pack', [packetsOf(all), FLUSH]),
});
type Branches = Awaited<ReturnType<Git['heads']>>;

describeHostile('A host whose references', (arena) => {
  test.each<[string, Wrong, Partial<Branches>]>([
    ['point HEAD nowhere', lines(`${head} HEAD symref-target:refs/heads/gone`, main), { default: null }],
    ['point HEAD at a tag', lines(`${head} HEAD symref-target:refs/tags/v1`, main), { default: null }],
    ['point HEAD at itself', lines(`${head} HEAD symref-target:HEAD`, main), { default: null }],
    ['have a HEAD without a branch', lines(`${head} HEAD`, main), { default: null }],
    [
      'have an unborn HEAD',
      lines('unborn HEAD symref-target:refs/heads/main'),
      { default: null, branches: {} },
    ],
    [
      'hold names of objects',
      lines(`${head} refs/heads/__proto__`, `${head} refs/heads/constructor`, main),
      {
        branches: Object.fromEntries([
          ['__proto__', head],
          ['constructor', head],
          ['main', head],
        ]),
      },
    ],
    ['were not asked for', lines(`${other} refs/tags/v1`, `${other} refs/remotes/x`, main), {}],
    [
      'have control characters',
      lines(
        `${other} refs/heads/a\u001b[31mb`,
        `${other} refs/heads/a\u0007`,
        `${other} refs/heads/a\rb`,
        `${other} refs/heads/a\u007f`,
        main,
      ),
      {},
    ],
    [
      'have names git would not have',
      lines(
        `${other} refs/heads/../up`,
        `${other} refs/heads/.a`,
        `${other} refs/heads/a..b`,
        `${other} refs/heads/a.lock`,
        `${other} refs/heads/a~1`,
        `${other} refs/heads/`,
        main,
      ),
      {},
    ],
  ])('%s: what is a branch is listed', async (_, wrong, expected) => {
    const host = await arena.host(made.script(wrong));
    const heads = await arena.git(host.url()).heads();
    const branches = { main: head };
    expect(heads).toEqual({ branches, default: null, ...expected });
  });

  test.each<[string, Wrong, ErrorCode]>([
    ['have no proper id', lines('xyz refs/heads/main'), 'GIT_ANSWER_INVALID'],
    ['have half an id', lines(`${head.slice(1)} refs/heads/main`), 'GIT_ANSWER_INVALID'],
    ['have no name', lines(head), 'GIT_ANSWER_INVALID'],
    ['are a complaint', lines('ERR out of\u0007 order'), 'GIT_ANSWER_INVALID'],
    [
      'have a delimiter among them',
      { refs: () => result('git-upload-pack', [packetsOf([main]), '0001', FLUSH]) },
      'GIT_ANSWER_INVALID',
    ],
    [
      'have a length that is none',
      { refs: () => result('git-upload-pack', ['zzzz', FLUSH]) },
      'GIT_ANSWER_INVALID',
    ],
    ['have a length of 3', { refs: () => result('git-upload-pack', ['0003', FLUSH]) }, 'GIT_ANSWER_INVALID'],
    ['are SHA-256', sha256, 'GIT_OBJECT_FORMAT_UNSUPPORTED'],
  ])('%s is refused', async (_, wrong, code) => {
    const host = await arena.host(made.script(wrong));
    expect((await arena.refusal((git) => git.heads(), host.url())).code).toBe(code);
  });
});

const step = makeStep([change('a.yaml', 'a: 2\n')]);
const chain = { branch: 'main', base: head, create: false, steps: [step] };
const push = (git: Git): Promise<unknown> => git.commit(chain);

describeHostile('A host that reports a push', (arena) => {
  test.each<[string, (right: Answer) => Answer | null, Expected]>([
    [
      'as refused by a hook',
      () => report(['unpack ok', 'ng refs/heads/main pre-receive hook declined']),
      'GIT_PUSH_REJECTED',
    ],
    [
      'as not unpacked',
      () => report(['unpack index-pack abnormal exit', 'ng refs/heads/main unpacker error']),
      'GIT_PUSH_REJECTED',
    ],
    [
      'in words with control characters',
      () => report(['unpack ok', 'ng refs/heads/main no\u001b[2J\u0007']),
      'GIT_PUSH_REJECTED',
    ],
    ['of another branch', () => report(['unpack ok', 'ok refs/heads/other']), 'GIT_ANSWER_INVALID'],
    ['of no branch', () => report(['unpack ok']), 'GIT_ANSWER_INVALID'],
    ['without unpacking', () => report(['ok refs/heads/main']), 'GIT_ANSWER_INVALID'],
    [
      'with nothing',
      () => report([]),
      { InProcessGit: 'GIT_ANSWER_INVALID', NativeGit: 'GIT_OUTCOME_UNKNOWN' },
    ],
    [
      'with an empty answer',
      () => result('git-receive-pack', []),
      { InProcessGit: 'GIT_ANSWER_INVALID', NativeGit: 'GIT_OUTCOME_UNKNOWN' },
    ],
    [
      'with a page',
      () => ({ headers: { 'Content-Type': 'text/html' }, body: '<title>Sign in</title>' }),
      { InProcessGit: 'GIT_ANSWER_INVALID', NativeGit: 'GIT_OUTCOME_UNKNOWN' },
    ],
    [
      'with a fatal error',
      () => result('git-receive-pack', [...band(3, 'disk full\u001b[0m'), FLUSH]),
      { InProcessGit: 'GIT_ANSWER_INVALID', NativeGit: 'GIT_OUTCOME_UNKNOWN' },
    ],
    ['and breaks off', (right) => ({ ...right, bytesMax: 130 }), 'GIT_OUTCOME_UNKNOWN'],
    ['by hanging up', () => null, 'GIT_OUTCOME_UNKNOWN'],
    ['never', () => ({ head: '', end: 'stall' }), 'GIT_OUTCOME_UNKNOWN'],
    ['with 500', () => ({ status: 500 }), 'GIT_HOST_ERROR'],
    ['with 502', () => ({ status: 502 }), 'GIT_OUTCOME_UNKNOWN'],
    ['with 429', () => ({ status: 429, headers: { 'Retry-After': '1' } }), 'GIT_HOST_ERROR'],
    ['with 401', () => ({ status: 401 }), 'GIT_AUTH_REJECTED'],
    ['with 403', () => ({ status: 403 }), 'GIT_AUTH_REJECTED'],
    ['with 409', () => ({ status: 409 }), 'GIT_HOST_ERROR'],
    [
      'with endless talk',
      (right) => ({ ...right, body: withoutEnd('', band(2, 'x'.repeat(60_000))[0] as Buffer) }),
      'GIT_OUTCOME_UNKNOWN',
    ],
  ])('%s', async (how, fault, code) => {
    const host = await arena.host(made.script({ push: fault }));
    const failure = await arena.refusal(push, host.url(), {
      // What ends by its deadline alone has to have come to the push by then.
      deadlineMs: /never|endless/.test(how) ? 8_000 : 20_000,
      limits: { answerBytes: 5_000_000 },
    });
    expect(failure.code, failure.message).toBe(arena.codeOf(code));
  });
});

describeHostile('A host that talks without end', (arena) => {
  test.each<[string, number]>([
    ['in long packets', 60_000],
    ['in short packets', 10],
  ])('%s is left', async (_, size) => {
    const talk = Buffer.concat(
      Array<Buffer>(Math.ceil(60_000 / size)).fill(band(2, 'x'.repeat(size))[0] as Buffer),
    );
    const fetch = (right: Answer): Answer => ({
      ...right,
      body: withoutEnd(encodePacket('packfile\n'), talk),
    });
    const host = await arena.host(made.script({ fetch }));
    const failure = await arena.refusal((git) => git.list(head, ''), host.url(), {
      deadlineMs: 3_000,
      limits: { answerBytes: 20_000_000 },
    });
    expect(['GIT_LIMIT_EXCEEDED', 'GIT_TIMEOUT']).toContain(failure.code);
  });
});
