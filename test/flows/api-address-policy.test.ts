// Which addresses a connector may have when the manager may not speak http nor dial private addresses.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentedApi } from '../support/documented-api.js';
import { type Road, Stack } from '../support/stack.js';

describe('where http and private addresses are not allowed', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start('embedded', { delegates: 0 });
    await stack.manager?.kill('SIGTERM');
    await stack.startManager(undefined, {
      SALLYPORT_GIT_ALLOW_HTTP: 'false',
      SALLYPORT_GIT_ALLOW_PRIVATE: 'false',
    });
  });
  afterAll(() => stack.stop());

  const connect = (url: string, connectivity: Road) =>
    stack.api.request('PUT', 'accounts/demo/connectors/policy', { url, connectivity });

  it.each([
    ['http://git.example.org/x.git', 'its scheme is not allowed'],
    ['https://127.0.0.1/x.git', 'not a public address'],
    ['https://localhost/x.git', 'not a public address'],
    ['https://10.0.0.8/x.git', 'not a public address'],
    ['https://169.254.169.254/x.git', 'not a public address'],
    ['https://[::1]/x.git', 'not a public address'],
    ['https://[::ffff:10.0.0.8]/x.git', 'not a public address'],
    ['https://0x7f000001/x.git', 'not a public address'],
    ['https://2130706433/x.git', 'not a public address'],
  ])('%s is refused to the manager, and left to the delegate’s own side', async (url, reason) => {
    const refused = await connect(url, 'manager');
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({
      code: 'CONNECTOR_DENIED',
      detail: expect.stringContaining(reason),
      hint: expect.stringContaining('SALLYPORT_GIT_ALLOW_PRIVATE'),
    });
    expect((await connect(url, 'delegate')).status).toBeLessThan(300);
  });

  it('a connector from a time when they were is not dialled either', async () => {
    const api = await DocumentedApi.open(stack.api);
    const saved = await api.save('late', 'name: x\n', { connector: 'direct', branch: 'main' });
    expect(saved.status, saved.text).toBe(422);
    expect(saved.body).toMatchObject({ code: 'CONNECTOR_DENIED', operationId: expect.any(String) });
    const check = await api.ok('POST', 'accounts/demo/connectors/direct/check');
    expect(check.stages).toEqual([
      expect.objectContaining({ stage: 'reach', ok: false, code: 'CONNECTOR_DENIED' }),
    ]);
  });
});
