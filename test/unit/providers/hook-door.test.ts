import { describe, expect, it } from 'vitest';
import { callsDoorOf } from '../../../src/providers/hook-door.js';

const address = 'R4nd0m-_'.repeat(5);
const ours = callsDoorOf(`https://now.example/webhooks/${address}`);

describe('a webhook calls the same door', () => {
  it.each([
    `https://now.example/webhooks/${address}`,
    `https://before.example/webhooks/${address}`,
    `http://10.0.0.7:8080/behind/a/proxy/webhooks/${address}`,
  ])('at %s', (url) => expect(ours(url)).toBe(true));
});

describe('a webhook calls another one', () => {
  it.each([
    ['of another connector', `https://now.example/webhooks/${address.toLowerCase()}`],
    ['with more behind it', `https://now.example/webhooks/${address}/more`],
    ['with a query', `https://now.example/webhooks/${address}?to=elsewhere`],
    ['that has its end only', `https://now.example/hooks/${address}`],
    ['that is no URL', `webhooks/${address}`],
    ['that is none', null],
    ['that is not said', undefined],
  ])('%s', (_, url) => expect(ours(url)).toBe(false));

  it('where it has a name that somebody may have chosen, unless it is the very same', () => {
    const named = callsDoorOf('https://now.example/webhooks/deploy');
    expect(named('https://before.example/webhooks/deploy')).toBe(false);
    expect(named('https://now.example/webhooks/deploy')).toBe(true);
  });
});
