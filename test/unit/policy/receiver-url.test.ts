import { describe, expect, it } from 'vitest';
import { AddressRanges } from '../../../src/git/address-policy.js';
import { parseReceiverUrl, type ReceiverPolicy } from '../../../src/policy/receiver-url.js';
import { failureOf } from '../support/refusals.js';

const strict: ReceiverPolicy = { allowHttp: false, allowPrivate: false };
const reasonOf = (text: string, policy: ReceiverPolicy = strict): unknown => {
  const { code, data } = failureOf(() => parseReceiverUrl(text, policy));
  expect(code).toBe('RECEIVER_DENIED');
  return (data as { reason: string }).reason;
};

describe('the address of a receiver', () => {
  it.each([
    'https://hooks.example.com',
    'https://hooks.example.com/',
    'https://hooks.example.com:8443/a/b?token=x%20y&z',
    'https://8.8.8.8/in',
    'https://[2606:4700::1111]/in',
  ])('%s is kept as it is', (text) => {
    expect(parseReceiverUrl(text, strict)).toBe(text);
  });

  it.each([
    ['hooks.example.com', 'it is not a URL'],
    ['', 'it is not a URL'],
    ['http://hooks.example.com/', 'its scheme is not allowed'],
    ['ftp://hooks.example.com/', 'its scheme is not allowed'],
    ['file:///etc/passwd', 'its scheme is not allowed'],
    ['https://user:password@hooks.example.com/', 'it holds user-info'],
    ['https://@hooks.example.com/', 'it holds user-info'],
    ['https://hooks.example.com/#x', 'it holds a fragment'],
    ['https://hooks.example.com\\@10.0.0.1/', 'it holds user-info'],
    ['https://hooks.example.com/a\\b', 'it holds a character that stands in no URL'],
    ['https://hooks.example.com/a b', 'it holds a character that stands in no URL'],
    ['https://hooks.example.com/\r\nx: y', 'it holds a character that stands in no URL'],
    ['https://hóoks.example.com/', 'it holds a character that stands in no URL'],
    [`https://hooks.example.com/${'x'.repeat(2_048)}`, 'it is longer than 2048 bytes'],
  ])('%j is refused', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it.each([
    'https://localhost/',
    'https://localhost./',
    'https://a.localhost/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.100.100.200/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00::1]/',
    'https://0.0.0.0/',
  ])('%s is no public address', (text) => {
    expect(reasonOf(text)).toBe('its host is not a public address');
  });

  it('may be what the settings allow, and never what nothing opens', () => {
    const open: ReceiverPolicy = { allowHttp: true, allowPrivate: true };
    expect(parseReceiverUrl('http://127.0.0.1:9000/in', open)).toBe('http://127.0.0.1:9000/in');
    expect(reasonOf('http://169.254.169.254/', open)).toBe('its host is not a public address');
    const some = { ...strict, allowed: AddressRanges.parse('10.1.0.0/16') as AddressRanges };
    expect(parseReceiverUrl('https://10.1.2.3/', some)).toBe('https://10.1.2.3/');
    expect(reasonOf('https://10.2.2.3/', some)).toBe('its host is not a public address');
    const denied = { ...open, denied: AddressRanges.parse('8.8.8.0/24') as AddressRanges };
    expect(reasonOf('https://8.8.8.8/', denied)).toBe('its host is not a public address');
  });

  it('is never quoted beyond its host, since the rest may be a credential', () => {
    const failure = failureOf(() =>
      parseReceiverUrl('http://u:secret1@hooks.example.com/secret2?t=secret3', strict),
    );
    expect(JSON.stringify([failure.message, failure.data, failure.hint])).not.toMatch(/secret\d/);
    expect(failure.message).toContain('http://hooks.example.com');
  });
});
