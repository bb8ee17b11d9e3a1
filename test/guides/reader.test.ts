// A guide that cannot be followed is found: each page here has one thing wrong, and the first one nothing.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOf, stepsOf } from '../support/guide-pages.js';
import { Reader } from '../support/guide-reader.js';

let reader: Reader;
beforeAll(() => {
  reader = new Reader({ GREETING: 'hello' });
});
afterAll(() => reader.leave());

const fence = (language: string, text: string, marker?: string): string =>
  `${marker === undefined ? '' : `<!-- ${marker} -->\n`}\`\`\`${language}\n${text}\n\`\`\`\n`;
const assertFollowed = (...blocks: string[]): Promise<void> =>
  reader.follow(stepsOf(blocks.join('\nSome words.\n\n'), 'page.md'));

describe('a page that does what it says', () => {
  it('has one shell, whose folder and variables stay', async () => {
    await assertFollowed(
      fence('sh', 'mkdir inner && cd inner\nname=Ann\ngreet() { echo "$GREETING  $1"; }'),
      fence('sh', 'greet "$name"; basename "$PWD"') + fence('text', 'hello Ann\ninner'),
      fence('sh', 'cd ..\nsh -c "exit 3"', 'ends with 3'),
    );
  });

  it('leaves open what differs from reader to reader', async () => {
    await assertFollowed(
      fence('sh', 'printf "at %s\\none\\ntwo\\nend\\n" $RANDOM') + fence('text', 'at …\n…\nend'),
      fence('sh', `echo '{"id":"x-1","at":5,"list":[{"a":1,"b":2}]}'`) +
        fence('json', '{ "list": [{ "a": 1, "…": "…" }], "id": "x-…", "at": "…" }'),
      fence('sh', 'date +%s%N | grep -o "[05]$" || echo 5', 'again until it is so') + fence('text', '5'),
    );
  });

  it('goes on beside what runs in another terminal, which ends with it', async () => {
    const own = new Reader();
    let pid = 0;
    try {
      const waits = fence('sh', 'echo "as $$"; echo $$ > pid; exec sleep 600', 'another terminal: as');
      await own.follow(
        stepsOf(`${waits}${fence('text', 'as …')}${fence('sh', 'kill -0 $(cat pid)')}`, 'page.md'),
      );
      pid = Number(fs.readFileSync(path.join(own.folder, 'pid'), 'utf8'));
    } finally {
      await own.leave();
    }
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('has a program, which is put where the shell is', async () => {
    const program = fence('ts', `// greet.ts\nconst name: string = 'Ann';\nconsole.log(name);`);
    await assertFollowed(program, fence('sh', 'npx node greet.ts') + fence('text', 'Ann'));
  });
});

describe('is found:', () => {
  it.each([
    ['a command that fails', fence('sh', 'false'), 'page.md:1: ended with 1, not 0'],
    ['one that fails before another', fence('sh', 'cat nowhere\ntrue'), 'ended with 1, not 0'],
    ['one that is not known', fence('sh', 'salliport list'), 'ended with 127, not 0'],
    ['one that is no command', fence('sh', 'if then'), /ended with [12], not 0/],
    ['one that leaves the shell', fence('sh', 'exit 0'), 'ended with the end of the shell'],
    ['one that should fail', fence('sh', 'true', 'ends with 1'), 'ended with 0, not 1'],
    ['another output', fence('sh', 'echo one') + fence('text', 'two'), 'shows something else\necho one'],
    ['more output', fence('sh', 'echo one; echo two') + fence('text', 'one'), 'shows something else'],
    ['less output', fence('sh', 'true') + fence('text', 'one'), 'shows something else'],
    ['output that the page keeps quiet about', fence('sh', 'echo one'), 'shows something else'],
    ['what is no JSON', fence('sh', 'echo one') + fence('json', '{}'), 'shows something else'],
    ['another value', fence('sh', `echo '{"a":1}'`) + fence('json', '{ "a": 2 }'), 'shows something else'],
    [
      'another member',
      fence('sh', `echo '{"a":1,"b":1}'`) + fence('json', '{ "a": 1 }'),
      'shows something else',
    ],
    [
      'a member that is not there',
      fence('sh', 'echo {}') + fence('json', '{ "a": "…" }'),
      'shows something else',
    ],
    ['a list that is longer', fence('sh', 'echo [1,2]') + fence('json', '[1]'), 'shows something else'],
    ['a terminal that ends', fence('sh', 'echo oh; exit 4', 'another terminal: ready'), 'ended with 4\noh'],
    ['a program without a name', fence('ts', 'console.log(1);'), 'names its file'],
  ])('%s', async (_what, page, told) => {
    const own = new Reader();
    try {
      await expect(own.follow(stepsOf(page, 'page.md'))).rejects.toThrow(told);
    } finally {
      await own.leave();
    }
  });

  it.each([
    ['a fence of something else', fence('bash', 'true'), 'nobody knows what a fence of “bash” is'],
    ['a fence of nothing', fence('', 'true'), 'nobody knows what a fence of “” is'],
    ['a fence that is set in', `- so:\n\n  ${fence('sh', 'true')}`, 'page.md:3: a fence begins its line'],
    ['a fence without an end', '```sh\ntrue\n', 'the fence has no end'],
    ['output of nothing', fence('text', 'one'), 'follows no command'],
    ['output twice', fence('sh', 'true') + fence('text', 'one') + fence('text', 'two'), 'follows no command'],
    ['a comment that means nothing', fence('sh', 'true', 'skip'), 'nobody knows what “skip” means'],
  ])('%s', (_what, page, told) => {
    expect(() => stepsOf(page, 'page.md')).toThrow(told);
  });
});

describe('what is installed already', () => {
  const [step] = stepsOf(fence('sh', 'npm ci && npm start'), 'page.md');
  it.each([
    ['npm ci && npm start', 'npm start\n'],
    ['npm ci && npm run build', ''],
    ['npm ci && npm run build\necho', 'echo\n'],
  ])('%j is run without that', (text, command) => {
    const [one] = stepsOf(fence('sh', text), 'page.md');
    expect(one && commandOf(one, 'npm ci && npm start\nnpm ci && npm run build\n')).toBe(command);
  });

  it('is installed as README.md says', () => {
    expect(() => step && commandOf(step, 'npm install && npm start\n')).toThrow(
      'README.md has no line “npm ci && npm start”',
    );
  });
});
