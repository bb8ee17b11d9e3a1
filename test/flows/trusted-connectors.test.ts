// A save by a connector with a trust of its own, over both roads: a host whose authority nobody else believes and that lets nobody in
// without a certificate, behind a proxy that asks for a password.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../support/api.js';
import { type Certificates, makeCertificates } from '../support/certificates.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { fileAt } from '../support/repository.js';
import { connectorOf, type Road, roads, Stack } from '../support/stack.js';
import { TlsFront } from '../support/tls-front.js';

const SCOPE = 'accounts/demo';
const PASSWORD = 'proxy-canary-7d02b4';

let stack: Stack;
let certificates: Certificates;
let front: TlsFront;
let proxy: ConnectProxy;
let key: string;

const read = (file: string): string => fs.readFileSync(file, 'utf8');
const put = (path: string, body: unknown): Promise<Json> => stack.api.ok('PUT', `${SCOPE}/${path}`, body);

async function keep(road: Road, id: string, value: string): Promise<void> {
  const kind = value.startsWith('-----BEGIN') ? 'ssh-key' : 'text';
  const body =
    road === 'manager' ? { manager: 'builtin', kind, value } : await stack.sealForDelegate(id, value);
  await put(`secrets/${id}`, body);
}

const trustOf = (road: Road) => ({
  ca: read(certificates.authorityFile),
  clientCertificate: read(certificates.client.certificateFile),
  clientKey: `client-key-${road}`,
  proxyUrl: proxy.url,
  proxyUsername: 'ada',
  proxyPassword: `proxy-password-${road}`,
});
const connect = (id: string, road: Road, trust: object): Promise<Json> =>
  put(`connectors/${id}`, {
    url: `${front.url}/demo.git`,
    connectivity: road,
    credential: { username: stack.accounts[road].username, secret: `git-${connectorOf[road]}` },
    trust,
  });

beforeAll(async () => {
  certificates = makeCertificates();
  key = read(certificates.client.keyFile);
  stack = await Stack.start('embedded');
  const clientsOf = certificates.authorityFile;
  front = await TlsFront.open(stack.host.url, { pair: certificates.server, http2: false, clientsOf });
  proxy = await ConnectProxy.open({ credential: `ada:${PASSWORD}` });
  for (const road of roads) {
    await keep(road, `client-key-${road}`, key);
    await keep(road, `proxy-password-${road}`, PASSWORD);
  }
});
afterAll(async () => {
  await stack?.stop();
  await front?.close();
  await proxy?.close();
  certificates.remove();
});

describe.each(roads)('over the road of the %s', (road) => {
  it('a save lands through the proxy, by the authority and the certificate', async () => {
    const { trust } = await connect(`trusting-${road}`, road, trustOf(road));
    expect(trust).toMatchObject(trustOf(road));
    const [lines, requests] = [proxy.lines.length, front.requests.length];
    const place = { connector: `trusting-${road}`, branch: 'main', message: 'Save it' };
    const answer = await stack.api.save(`trusted-${road}`, 'name: trusted\n', place);
    expect(answer.status, answer.text).toBe(201);
    expect(fileAt(stack.repository, `pipelines/trusted-${road}.yaml`)).toBe('name: trusted\n');
    expect(front.requests.slice(requests).filter((one) => one.endsWith('git-receive-pack')).length).toBe(1);
    expect(new Set(proxy.lines.slice(lines))).toEqual(new Set([new URL(front.url).host]));
  });

  it.each<[string, object]>([
    ['the authority', { ca: undefined }],
    ['the certificate', { clientCertificate: undefined, clientKey: undefined }],
    ['the password of the proxy', { proxyPassword: `git-${connectorOf[road]}` }],
  ])('nothing is reached without %s', async (what, less) => {
    const id = `doubting-${road}-${what.replaceAll(' ', '-')}`;
    await connect(id, road, { ...trustOf(road), ...less });
    const requests = front.requests.length;
    const { ok, stages } = await stack.api.ok('POST', `${SCOPE}/connectors/${id}/check`);
    expect({ ok, stages }).toMatchObject({ ok: false, stages: [{ stage: 'reach', ok: false }] });
    expect(front.requests.length).toBe(requests);
  });
});

it('neither the key nor the password is in a log', () => {
  const [, line = ''] = key.split('\n');
  expect(stack.logs()).not.toContain(line);
  expect(stack.logs()).not.toContain(PASSWORD);
});
