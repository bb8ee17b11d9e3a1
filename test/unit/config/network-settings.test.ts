import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig, type SettingName, settings } from '../../../src/config/config.js';
import { type Certificates, makeCertificates } from '../../support/certificates.js';
import { failureOf } from '../support/refusals.js';

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => certificates.remove());

const problemsOf = (env: Record<string, string>): string[] =>
  (failureOf(() => readConfig(env)).data as { problems: string[] }).problems;
const isTaken = (name: SettingName, text: string): boolean => settings[name].schema.safeParse(text).success;

describe('the network', () => {
  it.each<[SettingName, string[], string[]]>([
    [
      'SALLYPORT_GIT_PROXY_URL',
      [
        'http://proxy:3128',
        'http://proxy',
        'https://p.example/',
        'http://u:p%40ss@proxy:1',
        'http://[::1]:3128',
      ],
      [
        'proxy:3128',
        'socks5://proxy',
        'http://proxy/path',
        'http://proxy?x',
        'http://%zz@proxy',
        'http://a%0ab@proxy',
      ],
    ],
    [
      'SALLYPORT_GIT_PROXY_BYPASS',
      ['git.example', '.example', 'git.example, 10.0.0.0/8,fd00::/8', 'localhost', '127.0.0.1'],
      ['*', 'git.example,', 'http://git.example', 'git.example:443', '10.0.0.0/40', '..x'],
    ],
    [
      'SALLYPORT_GIT_ALLOWED_RANGES',
      ['10.0.0.0/8,fd00::/8'],
      ['169.254.0.0/16', '10.0.0.0/8,fe80::/10', '0.0.0.0/0', 'x'],
    ],
    ['SALLYPORT_GIT_DENIED_RANGES', ['10.0.0.0/8', '169.254.0.0/16', '0.0.0.0/0'], ['10.0.0.0/8;', 'x']],
  ])('%s takes what can be meant, and nothing else', (name, good, bad) => {
    expect(good.filter((text) => !isTaken(name, text))).toEqual([]);
    expect(bad.filter((text) => isTaken(name, text))).toEqual([]);
  });

  it('takes files that hold what they should', () => {
    const { authorityFile, client } = certificates;
    const config = readConfig({
      SALLYPORT_GIT_CA_FILE: authorityFile,
      SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE: client.certificateFile,
      SALLYPORT_GIT_CLIENT_KEY_FILE: client.keyFile,
    });
    expect(config.SALLYPORT_GIT_CA_FILE).toBe(authorityFile);
    expect(config.SALLYPORT_GIT_CLIENT_KEY_FILE).toBe(client.keyFile);
  });

  it('says what is wrong with a file, and quotes nothing of it', () => {
    const { folder, authorityFile, client, server } = certificates;
    const broken = path.join(folder, 'broken.pem');
    fs.writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n');
    const name = 'SALLYPORT_GIT_CA_FILE';
    expect(problemsOf({ [name]: '/nowhere' })[0]).toMatch(
      /^SALLYPORT_GIT_CA_FILE is not a file that can be read: /,
    );
    for (const file of [client.keyFile, broken])
      expect(problemsOf({ [name]: file })[0]).toMatch(/^SALLYPORT_GIT_CA_FILE holds no certificate in PEM: /);
    expect(problemsOf({ [name]: broken }).join()).not.toContain('hunter2');
    expect(problemsOf({ SALLYPORT_GIT_CLIENT_KEY_FILE: authorityFile })[0]).toMatch(
      /holds no private key in PEM/,
    );
    expect(problemsOf({ SALLYPORT_GIT_CLIENT_KEY_FILE: client.keyFile })).toEqual([
      'SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE and SALLYPORT_GIT_CLIENT_KEY_FILE belong together: set both',
    ]);
    expect(
      problemsOf({
        SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE: server.certificateFile,
        SALLYPORT_GIT_CLIENT_KEY_FILE: client.keyFile,
      })[0],
    ).toContain('are no pair');
  });

  it('does not repeat a proxy’s password', () => {
    const failure = failureOf(() => readConfig({ SALLYPORT_GIT_PROXY_URL: 'ftp://u:hunter2@proxy' }));
    expect(failure.message).toContain('SALLYPORT_GIT_PROXY_URL');
    expect(failure.message + failure.hint).not.toContain('hunter2');
  });
});
