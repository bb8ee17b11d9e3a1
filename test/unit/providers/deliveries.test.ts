// What each host sends, and what is made of it: test/fixtures/providers.
import { describe, expect, it } from 'vitest';
import { codecs } from '../../../src/providers/codecs.js';
import { Provider } from '../../../src/providers/provider.js';
import { bytesOf, deliveries, proofOf, secretsOf, verdictOn } from '../support/deliveries.js';

describe.each(Provider.options)('%s', (host) => {
  const codec = codecs[host];
  const own = deliveries.filter((one) => one.host === host).map((one) => [one.name, one] as const);

  it.each(own)('%s', (_name, { headers, body, golden }) => {
    const raw = bytesOf(body);
    expect(codec.accepts(headers)).toBe(true);
    expect({ deliveryId: codec.deliveryId(headers, raw), event: codec.parse(raw, headers) }).toEqual(golden);
  });

  it.each(own)('%s proves itself, and nothing else by that', (_name, { headers, body }) => {
    const raw = bytesOf(body);
    const proven = { ...headers, ...proofOf(host, raw, 'its secret') };
    const verify = (secret: string) => verdictOn(host, raw, proven, secretsOf(secret));
    expect([verify('its secret'), verify('another')]).toEqual(['ok', 'bad']);
  });

  it.each(own)('%s without a secret at the host is not proven', (_name, { headers, body }) => {
    expect(verdictOn(host, bytesOf(body), headers, secretsOf('its secret'))).not.toBe('ok');
  });

  it('has a push, and something that is ignored', () => {
    const kinds = own.map(([, { golden }]) => golden.event.kind);
    expect(kinds).toEqual(expect.arrayContaining(['refs', 'ignored']));
  });
});

it('no URL of a payload but those of the repository gets into an event', () => {
  const found = deliveries.filter(({ golden: { event } }) => {
    const { repo: _repo, ...rest } = event;
    return JSON.stringify(rest).includes('://');
  });
  expect(found).toEqual([]);
});
