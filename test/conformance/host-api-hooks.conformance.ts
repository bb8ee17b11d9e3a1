import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/secret.js';
import type { HookTopic } from '../../src/providers/host-api.js';
import type { HostSuite } from '../support/host-servers/host-suite.js';

const url = 'https://sallyport.example/webhooks/1';

export function describeHooks(suite: HostSuite): void {
  describe('a webhook', () => {
    const secret = (text: string): Secret => new Secret(Buffer.from(text));
    const ensure = (topics: HookTopic[] = ['push', 'pull'], text = 'hook-secret-1', renewSecret = false) =>
      suite.api.ensureHook({ url, secret: secret(text), topics, renewSecret });
    const hooks = () => suite.server.state.hooks.filter((hook) => hook.url === url);
    const secrets = (): (string | undefined)[] => [...new Set(hooks().map((hook) => hook.secret))];
    const whole = () => suite.subject.registrations(['push', 'pull']);
    const foreign = (): void => {
      suite.server.state.addHook({
        url: 'https://ci.example/',
        active: true,
        events: ['push'],
        secret: 's',
        more: {},
      });
    };

    it('is registered once', async () => {
      foreign();
      expect(await suite.api.findHook(url)).toBeNull();
      const hook = await ensure();
      expect(hook).toMatchObject({ url, active: true, wellFormed: true, outcome: 'created' });
      expect(hook.topics.toSorted()).toEqual(['pull', 'push']);
      expect(await ensure()).toMatchObject({ id: hook.id, outcome: 'sound' });
      expect(await suite.api.findHook(url)).toMatchObject({ id: hook.id, active: true });
      expect(hooks()).toHaveLength(whole());
      expect(secrets()).toEqual(['hook-secret-1']);
    });

    it('that is switched off is mended', async () => {
      await ensure();
      for (const hook of hooks()) hook.active = false;
      expect(await suite.api.findHook(url)).toMatchObject({ active: false });
      expect(await ensure()).toMatchObject({ active: true, outcome: 'repaired' });
      expect(await suite.api.findHook(url)).toMatchObject({ active: true });
      expect(hooks()).toHaveLength(whole());
    });

    it('that misses a topic is mended', async () => {
      await ensure(['push']);
      expect(await suite.api.findHook(url)).toMatchObject({ topics: ['push'] });
      expect(await ensure()).toMatchObject({ outcome: 'repaired' });
      expect((await suite.api.findHook(url))?.topics.toSorted()).toEqual(['pull', 'push']);
      expect(hooks()).toHaveLength(whole());
    });

    it('that sends what the door does not take is mended', async () => {
      await ensure();
      suite.subject.malform(suite.server.state);
      expect(await suite.api.findHook(url)).toMatchObject({ wellFormed: false });
      expect(await ensure()).toMatchObject({ wellFormed: true, outcome: 'repaired' });
      expect(hooks()).toHaveLength(whole());
    });

    it('gets a new secret when it is to have one', async () => {
      await ensure();
      expect(await ensure(['push', 'pull'], 'hook-secret-2')).toMatchObject({ outcome: 'sound' });
      expect(secrets()).toEqual(['hook-secret-1']);
      expect(await ensure(['push', 'pull'], 'hook-secret-2', true)).toMatchObject({ outcome: 'repaired' });
      expect(secrets()).toEqual(['hook-secret-2']);
      expect(hooks()).toHaveLength(whole());
    });

    it('is removed, and no other with it', async () => {
      foreign();
      await ensure();
      expect(await suite.api.removeHook(url)).toBe(true);
      expect(await suite.api.removeHook(url)).toBe(false);
      expect(suite.server.state.hooks.map((hook) => hook.url)).toEqual(['https://ci.example/']);
    });

    it('that somebody else removes at the same moment is gone all the same, or made anew', async () => {
      await ensure();
      suite.server.instead = ({ method, path }) => {
        const id = decodeURIComponent(path.split('/').at(-1) ?? '').replaceAll(/[{}]/g, '');
        if (method === 'DELETE') suite.server.state.removeHook(id);
        return undefined;
      };
      expect(await ensure(['push', 'pull'], 'hook-secret-2', true)).toMatchObject({ outcome: 'repaired' });
      expect(secrets()).toEqual(['hook-secret-2']);
      expect(await suite.api.removeHook(url)).toBe(true);
      expect(hooks()).toEqual([]);
    });

    it('that calls the same door where the manager was reached before is edited, not joined by another', async () => {
      const door = `/webhooks/${'R4nd0m-_'.repeat(6)}`;
      const [before, now] = [`https://before.example/in${door}`, `https://now.example${door}`];
      const ensureAt = (at: string) => {
        const wish = { secret: secret('hook-secret-1'), topics: ['push', 'pull'] as HookTopic[] };
        return suite.api.ensureHook({ url: at, ...wish, renewSecret: false });
      };
      foreign();
      await ensure();
      await ensureAt(before);
      expect(await suite.api.findHook(now)).toMatchObject({ url: before });
      expect(await ensureAt(now)).toMatchObject({ url: now, outcome: 'repaired' });
      expect(await ensureAt(now)).toMatchObject({ url: now, outcome: 'sound' });
      const urls = suite.server.state.hooks.map((hook) => hook.url);
      expect(urls.filter((one) => one === now)).toHaveLength(whole());
      expect([urls.includes(before), urls.includes(url), urls.includes('https://ci.example/')]).toEqual([
        false,
        true,
        true,
      ]);
      expect(await suite.api.removeHook(before)).toBe(true);
      expect(suite.server.state.hooks.map((hook) => hook.url)).not.toContain(now);
    });

    it('is found on a later page', async () => {
      suite.server.state.pageMax = 2;
      for (let count = 0; count < 5; count += 1) foreign();
      await ensure();
      expect(await suite.api.findHook(url)).toMatchObject({ url });
    });
  });
}
