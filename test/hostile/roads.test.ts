// Ways that lead elsewhere: redirects, forbidden addresses, certificates that prove nothing.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Git } from '../../src/git/git.js';
import { change, makeStep } from '../support/git-suite.js';
import { MadeRepository, type Question } from '../support/made-repository.js';
import { ScriptedHost, type ScriptedHostOptions } from '../support/scripted-host.js';
import { findProgram } from '../support/servers.js';
import { describeHostile } from './arena.js';

const made = new MadeRepository();
const head = made.commit(made.tree([['100644', 'a.yaml', made.put('blob', 'a: 1\n')]]));
const PASSWORD = 'correct-horse-battery';

const chain = { branch: 'main', base: head, create: false, steps: [makeStep([change('a.yaml', 'a: 2\n')])] };
const works: [Question, (git: Git) => Promise<unknown>][] = [
  ['discover', (git) => git.head('main')],
  ['refs', (git) => git.heads()],
  ['fetch', (git) => git.list(head, '')],
  ['push', (git) => git.commit(chain)],
];

describeHostile('A host that leads elsewhere', (arena) => {
  let elsewhere: ScriptedHost;
  beforeAll(async () => {
    elsewhere = await ScriptedHost.open(made.script());
  });
  afterAll(() => elsewhere.close());

  const targets: [string, () => string][] = [
    ['another port', () => elsewhere.url()],
    ['another name', () => elsewhere.url('localhost')],
    ['another scheme', () => elsewhere.url().replace('http:', 'https:')],
    ['the same host without a scheme', () => `//127.0.0.1:${elsewhere.port}/made.git`],
    ['another path', () => '/elsewhere.git'],
    ['a metadata service', () => 'http://169.254.169.254/latest/meta-data/'],
    ['a metadata service by another name', () => 'http://[::ffff:169.254.169.254]/'],
    ['a file', () => 'file:///etc/passwd'],
    ['a program', () => 'ext::sh -c id'],
    ['nowhere', () => ''],
    ['a credential', () => `http://ada:secret@127.0.0.1:${elsewhere.port}/made.git`],
    ['words for a terminal', () => 'http://x/\u202emoc'],
  ];

  for (const [question, work] of works)
    test.each(targets)(`from ${question} to %s is not followed`, async (_, target) => {
      const location = (): Record<string, string> => ({ Location: target() });
      const status = question === 'discover' ? 301 : 307;
      const host = await arena.host(made.script({ [question]: () => ({ status, headers: location() }) }));
      const asked = elsewhere.asked.length;
      const failure = await arena.refusal(work, host.url(), { password: PASSWORD });
      expect(failure).toMatchObject({ code: 'GIT_ANSWER_INVALID' });
      expect(failure.message).toContain(String(status));
      expect(JSON.stringify(failure.toWire())).not.toMatch(new RegExp(`secret|${PASSWORD}`));
      expect(elsewhere.asked.slice(asked)).toEqual([]);
      expect(host.asked.filter((one) => one.target.includes('elsewhere'))).toEqual([]);
    });

  test.each([300, 301, 302, 303, 304, 305, 307, 308, 399])(
    'with status %d is not followed',
    async (status) => {
      const headers = { Location: elsewhere.url() };
      const host = await arena.host(made.script({ discover: () => ({ status, headers }) }));
      const failure = await arena.refusal((git) => git.head('main'), host.url(), { password: PASSWORD });
      expect(failure.code).toBe('GIT_ANSWER_INVALID');
      expect(elsewhere.asked.filter(({ headers: sent }) => sent.has('authorization'))).toEqual([]);
    },
  );
});

describeHostile('An address', (arena) => {
  test.each([
    '169.254.169.254',
    '[::ffff:169.254.169.254]',
    '[fd00:ec2::254]',
    '0.0.0.0',
    '224.0.0.1',
    '100.100.100.200',
    '2852039166',
    '0xa9fea9fe',
  ])('%s is never dialled', async (name) => {
    const failure = await arena.refusal((git) => git.head('main'), `http://${name}/made.git`);
    expect(failure.code).toBe('GIT_ADDRESS_DENIED');
  });

  test.each(['file:///etc', 'ssh+x://a/b', 'ftp://127.0.0.1/a.git', 'ext::sh -c id', 'javascript:1'])(
    '%s is none',
    async (url) => {
      expect((await arena.refusal((git) => git.head('main'), url)).code).toBe('CONNECTOR_DENIED');
    },
  );
});

/** Keys and certificates of a folder, made with openssl. */
class Certificates {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-tls-'));
  readonly authority: string;

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '2',
      '-subj',
      '/CN=Test authority',
    );
    this.authority = this.#read('ca.crt');
  }

  /** Signed by the authority for these names, or (`own`) by itself; good until two days after, or ended before, today. */
  make(
    name: string,
    { names = 'IP:127.0.0.1,DNS:localhost', isOwn = false, hasExpired = false } = {},
  ): Required<ScriptedHostOptions>['tls'] {
    fs.writeFileSync(path.join(this.#folder, 'names'), `subjectAltName=${names}\n`);
    this.#openssl(
      'req',
      '-new',
      ...KEY,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
    );
    const signer = isOwn
      ? ['-signkey', `${name}.key`]
      : ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    const days = hasExpired ? '-1' : '2';
    this.#openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-out',
      `${name}.crt`,
      ...signer,
      '-days',
      days,
      '-extfile',
      'names',
    );
    return { key: this.#read(`${name}.key`), cert: this.#read(`${name}.crt`) };
  }

  remove(): void {
    fs.rmSync(this.#folder, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync(findProgram('openssl', 'openssl'), args, { cwd: this.#folder, stdio: 'pipe' });
  }

  #read(file: string): string {
    return fs.readFileSync(path.join(this.#folder, file), 'utf8');
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

describeHostile('A certificate', (arena) => {
  let certificates: Certificates;
  const trusted = tls.getCACertificates('default');
  beforeAll(() => {
    certificates = new Certificates();
    // The in-process engine trusts what Node trusts; the system git has no part in this.
    tls.setDefaultCACertificates([...trusted, certificates.authority]);
  });
  afterAll(() => {
    tls.setDefaultCACertificates(trusted);
    certificates.remove();
  });

  test.each<[string, object, string]>([
    ['self-signed', { isOwn: true }, 'its certificate is self-signed'],
    ['expired', { hasExpired: true }, 'its certificate has expired'],
    ['for another name', { names: 'DNS:git.example.com' }, 'its certificate is for another name'],
  ])('that is %s is not accepted', async (name, about, reason) => {
    const host = await arena.host(made.script(), {
      tls: certificates.make(name.replaceAll(' ', '-'), about),
    });
    const failure = await arena.refusal((git) => git.head('main'), host.url(), { password: PASSWORD });
    expect(failure.code).toBe('GIT_UNREACHABLE');
    expect(failure.message).toContain(arena.engine === 'InProcessGit' ? reason : 'certificate');
    expect(host.asked).toEqual([]);
  });

  test('that an unknown authority gave is not accepted', async () => {
    tls.setDefaultCACertificates(trusted);
    const host = await arena.host(made.script(), { tls: certificates.make('unknown') });
    const failure = await arena.refusal((git) => git.head('main'), host.url(), { password: PASSWORD });
    tls.setDefaultCACertificates([...trusted, certificates.authority]);
    expect(failure.code).toBe('GIT_UNREACHABLE');
    expect(failure.message).toContain('certificate');
    expect(host.asked).toEqual([]);
  });

  test.skipIf(arena.engine === 'NativeGit')('that is good is accepted', async () => {
    const host = await arena.host(made.script(), { tls: certificates.make('good') });
    expect(await arena.git(host.url()).head('main')).toBe(head);
  });

  test('is missing where the host speaks no TLS', async () => {
    const host = await arena.host(made.script());
    const failure = await arena.refusal((git) => git.head('main'), host.url().replace('http:', 'https:'));
    expect(failure.code).toBe('GIT_UNREACHABLE');
    expect(host.asked).toEqual([]);
  });

  test('is not asked for where the host speaks nothing else', async () => {
    const host = await arena.host(made.script(), { tls: certificates.make('plain') });
    const failure = await arena.refusal((git) => git.head('main'), host.url().replace('https:', 'http:'));
    expect(failure.code).toBe('GIT_UNREACHABLE');
  });
});
