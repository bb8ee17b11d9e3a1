// docs/guides for teams that build a product, as somebody follows it who has nothing yet.
import { afterAll, beforeAll, it } from 'vitest';
import { assertGuide, Reader } from '../support/guide-reader.js';
import { freePort } from '../support/servers.js';

let reader: Reader;
beforeAll(async () => {
  reader = new Reader({
    SALLYPORT_PORT: String(await freePort()),
    SALLYPORT_PLAYGROUND_PORT: String(await freePort()),
  });
});
afterAll(() => reader.leave());

it('configuration-in-git.md and events-and-client.md do what they say', { timeout: 600_000 }, async () => {
  await assertGuide(reader, 'configuration-in-git', 'events-and-client');
});
