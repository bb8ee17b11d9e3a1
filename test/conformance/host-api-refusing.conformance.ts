import { describe, expect, it } from 'vitest';
import { HostRates } from '../../src/providers/host-rates.js';
import type { Reply } from '../support/host-servers/host-server.js';
import { type HostSuite, isCreation, wish } from '../support/host-servers/host-suite.js';
import { failureFrom } from '../unit/support/refusals.js';

export function describeRefusals(suite: HostSuite): void {
  const created = (): number => suite.server.state.pulls.length;

  describe('what stands in the way', () => {
    const refuse = (reply: Reply): void => {
      suite.server.instead = () => reply;
    };

    it('is the credential, which nobody gets to read', async () => {
      const token = `${suite.subject.token.slice(0, -3)}bad`;
      const failure = await failureFrom(suite.open({ token }).ensurePull(wish));
      expect(failure.code).toBe('HOST_API_AUTH_REJECTED');
      expect(JSON.stringify(failure.toWire()) + failure.message + failure.hint).not.toContain(token);
    });

    it('is quoted without the credential, whatever the host quotes', async () => {
      const proofs: string[] = [];
      suite.server.instead = ({ headers }) => {
        const proof = (headers.authorization ?? headers['private-token'] ?? '').replace(/^\w+ /, '');
        proofs.push(proof);
        return { status: 400, json: { message: `bad ${suite.subject.token} in ${proof}` } };
      };
      const failure = await failureFrom(suite.api.repo());
      expect(failure.code).toBe('HOST_API_REFUSED');
      expect(failure.message).toContain('bad ******');
      expect(JSON.stringify(failure.toWire())).not.toContain(suite.subject.token);
      expect(proofs[0]).not.toBe('');
      expect(failure.message).not.toContain(proofs[0]);
    });

    it('is a right that is missing', async () => {
      refuse({ status: 403, json: { message: 'You have no write access' } });
      expect(await failureFrom(suite.api.ensurePull(wish))).toMatchObject({ code: 'HOST_API_FORBIDDEN' });
    });

    it.each([
      ['429 with seconds', () => ({ status: 429, json: {}, headers: { 'retry-after': '40' } })],
      ['429 with a date', () => ({ status: 429, json: {}, headers: { 'retry-after': inSeconds(40) } })],
      ['403 with Retry-After', () => ({ status: 403, json: {}, headers: { 'retry-after': '40' } })],
      ['403 with a limit that is spent', () => ({ status: 403, json: {}, headers: spent('x-ratelimit') })],
      [
        '403 that says so',
        () => ({ status: 403, json: { message: 'You have exceeded a secondary rate limit.' } }),
      ],
      ['429 of GitLab', () => ({ status: 429, text: 'Retry later', headers: spent('ratelimit') })],
    ])('is the limit of requests: %s; and it is not asked again before its time', async (_, replyOf) => {
      const rates = new HostRates();
      refuse(replyOf());
      const failure = await failureFrom(suite.open({ rates }).ensurePull(wish));
      expect(failure.code).toBe('HOST_API_RATE_LIMITED');
      const { retryAfterMs } = failure.data as { retryAfterMs: number };
      expect(retryAfterMs).toBeGreaterThan(37_000);
      expect(retryAfterMs).toBeLessThanOrEqual(60_000);
      suite.server.instead = undefined;
      const before = suite.server.requests.length;
      const again = suite.open({ rates });
      expect(await failureFrom(again.repo())).toMatchObject({ code: 'HOST_API_RATE_LIMITED' });
      expect(suite.server.requests).toHaveLength(before);
      expect(again.rate?.blockedUntil).toBeGreaterThan(Date.now());
      // The limit is a credential’s, not the host’s.
      const other = await failureFrom(
        suite.open({ rates, token: `${suite.subject.token.slice(0, -3)}bad` }).repo(),
      );
      expect(other.code).toBe('HOST_API_AUTH_REJECTED');
    });

    it('is waited for where it takes a moment, also by what changes something', async () => {
      let refused = 0;
      suite.server.instead = (request) => {
        if (!isCreation(request) || refused > 0) return undefined;
        refused += 1;
        return { status: 429, json: {}, headers: { 'retry-after': '0.02' } };
      };
      expect(await suite.api.ensurePull(wish)).toMatchObject({ created: true });
      expect(refused).toBe(1);
      expect(created()).toBe(1);
    });

    it('is told of before it is reached', async () => {
      const headers = {
        'x-ratelimit-limit': '5000',
        'x-ratelimit-remaining': '4321',
        'x-ratelimit-reset': soon(60),
      };
      suite.server.meddle = (_, reply) => ({ ...reply, headers: { ...reply.headers, ...headers } });
      expect(suite.api.rate).toBeNull();
      await suite.api.repo();
      expect(suite.api.rate).toMatchObject({ limit: 5_000, remaining: 4_321, blockedUntil: null });
    });

    it('is a fault of the host, after which a question is asked again', async () => {
      let faults = 0;
      suite.server.instead = () => ((faults += 1) <= 2 ? { status: 503, json: {} } : undefined);
      expect(await suite.api.repo()).toMatchObject({ defaultBranch: 'main' });
      refuse({ status: 500, json: {} });
      expect(await failureFrom(suite.api.repo())).toMatchObject({
        code: 'HOST_API_FAULT',
        data: { status: 500 },
      });
    });

    it('is another address, where nothing is sent', async () => {
      const to = `${suite.server.origin}/elsewhere?token=abc`;
      refuse({ status: 301, json: {}, headers: { location: to } });
      const failure = await failureFrom(suite.api.repo());
      expect(failure).toMatchObject({
        code: 'HOST_API_MOVED',
        data: { to: `${suite.server.origin}/elsewhere` },
      });
      expect(suite.server.requests).toHaveLength(1);
    });

    it.each([
      ['a page for people', { status: 200, text: '<html>Welcome</html>' }],
      ['half an answer', { status: 200, text: '{"id": 1, ' }],
      ['something else', { status: 200, json: ['surprise'] }],
      ['nothing', { status: 200 }],
    ])('is an answer that is %s', async (_, reply) => {
      refuse(reply);
      expect(await failureFrom(suite.api.repo())).toMatchObject({ code: 'HOST_API_GARBLED' });
    });

    it('is a host that does not answer in time', async () => {
      suite.server.meddle = () => 'cut';
      expect(await failureFrom(suite.api.repo())).toMatchObject({ code: 'HOST_API_UNREACHABLE' });
    });
  });
}

const soon = (seconds: number): string => String(Math.floor(Date.now() / 1_000) + seconds);
const spent = (prefix: string): Record<string, string> => ({
  [`${prefix}-remaining`]: '0',
  [`${prefix}-limit`]: '60',
  [`${prefix}-reset`]: soon(40),
});
const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toUTCString();
