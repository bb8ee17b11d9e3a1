// What git and ssh were recorded to say, and what it means.
import { describe, expect, it } from 'vitest';
import {
  type Complaint,
  DiskFull,
  explainComplaint,
  RepositoryDamaged,
} from '../../../workers/native-git/stderr.js';

const GIVEN_UP = `fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
`;

const CHANGED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:1twpOMzT75XYfeyxJtfk2S+znp3hpJNvBTA2EM6ZmMc.
Please contact your system administrator.
Add correct host key in /tmp/sallyport-ssh-aaaaaa/known_hosts to get rid of this message.
Offending ED25519 key in /tmp/sallyport-ssh-aaaaaa/known_hosts:1
Host key for [127.0.0.1]:20222 has changed and you have requested strict checking.
Host key verification failed.
${GIVEN_UP}`;

const REVOKED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@       WARNING: REVOKED HOST KEY DETECTED!               @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
The ED25519 host key for [127.0.0.1]:20222 is marked as revoked.
This could mean that a stolen key is being used to
impersonate this host.
ED25519 host key for [127.0.0.1]:20222 was revoked and you have requested strict checking.
Host key verification failed.
${GIVEN_UP}`;

const given = { seconds: 60, isOutOfTime: false, isLocal: false, fileBytesMax: 1_000 };
const explain = (text: string, more: Partial<Complaint> = {}) =>
  explainComplaint({ command: 'ls-remote', host: 'git.example', exitCode: 128, ...given, text, ...more });

describe('over SSH', () => {
  it.each<[string, string, string]>([
    ['a host key that changed', CHANGED, 'GIT_HOST_KEY_REJECTED'],
    ['a host key that was revoked', REVOKED, 'GIT_HOST_KEY_REJECTED'],
    [
      'a host key that is not known',
      `No ED25519 host key is known for git.example and you have requested strict checking.\nHost key verification failed.\n${GIVEN_UP}`,
      'GIT_HOST_KEY_REJECTED',
    ],
    [
      'a key that is not known',
      `git@git.example: Permission denied (publickey,keyboard-interactive).\n${GIVEN_UP}`,
      'GIT_AUTH_REJECTED',
    ],
    [
      'a key after too many',
      `Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures\nDisconnected from 192.0.2.1 port 22\n${GIVEN_UP}`,
      'GIT_AUTH_REJECTED',
    ],
    [
      'a repository that git-shell does not find',
      `fatal: '/nowhere.git' does not appear to be a git repository\n${GIVEN_UP}`,
      'GIT_REPOSITORY_NOT_FOUND',
    ],
    [
      'a repository that gitolite hides',
      `FATAL: R any nowhere ada DENIED by fallthru\n(or you mis-spelled the reponame)\n${GIVEN_UP}`,
      'GIT_REPOSITORY_NOT_FOUND',
    ],
    [
      'a repository that a large host hides',
      `ERROR: Repository not found.\n${GIVEN_UP}`,
      'GIT_REPOSITORY_NOT_FOUND',
    ],
    [
      'a port that nobody answers',
      `ssh: connect to host 127.0.0.1 port 1: Connection refused\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    [
      'a host that does not answer',
      `ssh: connect to host 192.0.2.1 port 22: Connection timed out\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    [
      'a host that answers the connection alone',
      `Connection timed out during banner exchange\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    [
      'a name that does not resolve',
      `ssh: Could not resolve hostname nonexist.invalid: Name or service not known\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    [
      'what is no SSH',
      `kex_exchange_identification: read: Connection reset by peer\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    [
      'an SSH of other ciphers',
      `Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their offer: ssh-dss\n${GIVEN_UP}`,
      'GIT_UNREACHABLE',
    ],
    ['a connection that breaks', `Connection closed by 192.0.2.1 port 22\n${GIVEN_UP}`, 'GIT_UNREACHABLE'],
    [
      'a greeting before the answer',
      'fatal: protocol error: bad line length character: Welc\n',
      'GIT_ANSWER_INVALID',
    ],
  ])('%s', (_, text, code) => {
    expect(explain(text)).toMatchObject({ code });
  });

  it('quotes a host of another mind', () => {
    const { message } = explain(`This host is closed on Sundays\n${GIVEN_UP}`);
    expect(message).toBe('Connecting to git.example: the session ended with: This host is closed on Sundays');
  });

  it.each([
    ['FATAL: W any demo ada DENIED by fallthru', 'gitolite'],
    ['ERROR: The key you are authenticating with has been marked as read only.', 'a key that only reads'],
    ['remote: ERROR: This deploy key does not have write access to this project.', 'a deploy key'],
  ])('%s is a refusal of the push, in the words of %s', (words) => {
    const failure = explain(`${words}\n${GIVEN_UP}`, { command: 'push' });
    expect(failure).toMatchObject({ code: 'GIT_PUSH_REJECTED' });
    expect(failure.message).toContain(words);
  });
});

describe('over HTTP', () => {
  it.each<[string, string]>([
    [
      "fatal: unable to access 'https://git.example/': The requested URL returned error: 403",
      'GIT_AUTH_REJECTED',
    ],
    ["fatal: Authentication failed for 'https://git.example/a.git/'", 'GIT_AUTH_REJECTED'],
    ["fatal: repository 'https://git.example/a.git/' not found", 'GIT_REPOSITORY_NOT_FOUND'],
    [
      "fatal: unable to access 'https://git.example/': The requested URL returned error: 503",
      'GIT_HOST_ERROR',
    ],
    [
      "fatal: unable to access 'https://git.example/': Could not resolve host: git.example",
      'GIT_UNREACHABLE',
    ],
    ['error: RPC failed; curl 56 Recv failure: Connection reset by peer', 'GIT_UNREACHABLE'],
    [
      "fatal: unable to access 'https://git.example/': The requested URL returned error: 410",
      'GIT_REPOSITORY_NOT_FOUND',
    ],
    [
      "fatal: unable to access 'https://git.example/': The requested URL returned error: 302",
      'GIT_ANSWER_INVALID',
    ],
    [
      "fatal: unable to access 'https://git.example/': The requested URL returned error: 418",
      'GIT_ANSWER_INVALID',
    ],
    [
      "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
      'GIT_AUTH_REJECTED',
    ],
    [
      'fatal: remote error: upload-pack: not our ref 1212121212121212121212121212121212121212',
      'GIT_OBJECT_NOT_FOUND',
    ],
    ['fatal: mismatched algorithms: client sha1; server sha256', 'GIT_OBJECT_FORMAT_UNSUPPORTED'],
    [
      "fatal: unable to access 'https://git.example/': Received HTTP code 407 from proxy after CONNECT",
      'GIT_UNREACHABLE',
    ],
    [
      "fatal: unable to access 'https://git.example/': CONNECT tunnel failed, response 403",
      'GIT_UNREACHABLE',
    ],
    [
      "fatal: unable to access 'https://git.example/': Failed to connect to git.example port 443 after 1 ms: Couldn't connect to server",
      'GIT_UNREACHABLE',
    ],
    [
      "fatal: unable to access 'https://git.example/': Failed to connect to git.example port 443 after 1 ms: No route to host",
      'GIT_UNREACHABLE',
    ],
    [
      "fatal: unable to access 'https://git.example/': SSL certificate problem: certificate has expired",
      'GIT_UNREACHABLE',
    ],
    ["fatal: unable to access 'https://git.example/': Empty reply from server", 'GIT_UNREACHABLE'],
    ['fatal: https://git.example/a.git/info/refs not valid: is this a git repository?', 'GIT_ANSWER_INVALID'],
    ["fatal: expected 'packfile', received 'pack'", 'GIT_ANSWER_INVALID'],
    [
      'fatal: pack is corrupted (SHA1 mismatch)\nfatal: fetch-pack: invalid index-pack output',
      'GIT_ANSWER_INVALID',
    ],
    ['fatal: pack is corrupted: it lacks an object that it builds on', 'GIT_ANSWER_INVALID'],
    ["fatal: transport 'ftp' not allowed", 'CONNECTOR_DENIED'],
    ["fatal: couldn't find remote ref refs/heads/gone", 'GIT_REF_NOT_FOUND'],
  ])('%s', (text, code) => {
    expect(explain(text)).toMatchObject({ code });
  });

  it.each([
    ['124, which is how its guard ends it', { exitCode: 124 }],
    ['137 when its time is over', { exitCode: 137, isOutOfTime: true }],
  ])('exit code %s is a timeout', (_, more) => {
    expect(explain('', more)).toMatchObject({ code: 'GIT_TIMEOUT', data: { seconds: 60 } });
  });

  it('exit code 137 before that is a kill by somebody else', () => {
    const failure = explain('', { exitCode: 137 });
    expect(failure).toMatchObject({ code: 'GIT_ENGINE_FAILED', data: { reason: 'something killed it' } });
  });
});

describe('here', () => {
  it.each([
    [
      'fatal: attempting to allocate 3224371200 over limit 536870912\nfatal: fetch-pack: invalid index-pack output',
      'bytes in memory',
    ],
    ['fatal: Out of memory, malloc failed (tried to allocate 3224371200 bytes)', 'bytes in memory'],
    [
      'error: index-pack died of signal 25\nfatal: fetch-pack: invalid index-pack output',
      'bytes of one pack',
    ],
    ['fatal: write error: File too large', 'bytes of one pack'],
    [
      'error: index-pack died of signal 24\nfatal: fetch-pack: invalid index-pack output',
      'seconds of computing',
    ],
  ])('%s', (text, limit) => {
    expect(explain(text)).toMatchObject({ code: 'GIT_LIMIT_EXCEEDED', data: { limit } });
  });

  it.each([
    ['fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output', DiskFull],
    ['fatal: not a git repository: /data/x.git', RepositoryDamaged],
    [
      'error: file /data/x.git/objects/pack/pack-1.pack is far too short to be a packfile\nfatal: bad object HEAD',
      RepositoryDamaged,
    ],
    ["fatal: Unable to create '/data/x.git/HEAD.lock': File exists.", RepositoryDamaged],
  ])('%s', (text, kind) => {
    expect(explain(text)).toBeInstanceOf(kind);
  });

  it('a command that has nothing but its folder fails by its folder, whatever it says', () => {
    const text = 'error: inflate: data stream error (incorrect header check)';
    expect(explain(text, { isLocal: true })).toBeInstanceOf(RepositoryDamaged);
    expect(explain(text, { isLocal: true, exitCode: 137 })).toMatchObject({ code: 'GIT_ENGINE_FAILED' });
  });

  it.each([
    ['fatal: remote did not send all necessary objects', {}, true],
    ['fatal: not a git repository: /data/x.git', {}, false],
    ['error: Could not read 1212121212121212121212121212121212121212', { isLocal: true, exitCode: 1 }, true],
    ['fatal: malformed mode in tree entry', { isLocal: true }, true],
    ['fatal: cannot mkdir /data/x.git: Permission denied', { isLocal: true }, false],
    [
      "timeout: failed to run command 'git': No such file or directory",
      { isLocal: true, exitCode: 127 },
      false,
    ],
  ])('%s %o: whether the objects are to blame is %s', (text, more, isByObjects) => {
    expect(explain(text, { command: 'ls-tree', ...more })).toMatchObject({ isByObjects });
  });
});
