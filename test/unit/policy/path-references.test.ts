import { describe, expect, it } from 'vitest';
import { PathReferenceText, readPathReference } from '../../../src/policy/path-references.js';

describe('a path reference', () => {
  it.each<[string, object]>([
    ['vault-kv://team/apps/git', { kind: 'vault-kv', manager: 'team', path: 'apps/git' }],
    ['vault-kv://account.team/git#token', { manager: 'account.team', path: 'git', field: 'token' }],
    ['vault-kv://org.team/git?version=3#token', { manager: 'org.team', version: '3', field: 'token' }],
    ['gcp-secret-manager://g/git-token?version=latest', { path: 'git-token', version: 'latest' }],
    ['azure-key-vault://a/git-token', { path: 'git-token', version: null, field: null }],
    ['aws-secrets-manager://w//prod/git', { path: '/prod/git' }],
    ['aws-secrets-manager://w/arn:aws:secretsmanager:eu-west-1:1:secret:git', { manager: 'w' }],
    ['aws-secrets-manager://w/a+b=c@d?version=AWSPREVIOUS', { path: 'a+b=c@d', version: 'AWSPREVIOUS' }],
    ['vault-kv://k$-1/a', { manager: 'k$-1' }],
    ['vault-kv://team/a%20b#%C3%BC%23%3F%25', { path: 'a b', field: 'ü#?%' }],
    ['vault-kv://team/a%2525', { path: 'a%25' }],
    ['vault-kv://team/...#a/b?c', { path: '...', field: 'a/b?c' }],
  ])('is read as it is written: %s', (text, parts) => {
    expect(readPathReference(text)).toMatchObject(parts);
    expect(PathReferenceText.safeParse(text).success).toBe(true);
  });

  it.each<[string, string]>([
    ['', 'is not <kind'],
    ['vault-kv', 'is not <kind'],
    ['vault-kv:team/a', 'is not <kind'],
    ['vault-kv://team', 'is not <kind'],
    ['VAULT-KV://team/a', 'is not <kind'],
    [' vault-kv://team/a', 'is not <kind'],
    ['vault-kv://team/a?field=b', 'is not <kind'],
    ['vault-kv://team/a?version=1&version=2', 'is not <kind'],
    ['vault-kv://team/a?version=1?version=2', 'is not <kind'],
    ['vault-kv://team/a#b#c', 'is not <kind'],
    ['https://team/a', 'its kind is none of'],
    ['builtin://team/a', 'its kind is none of'],
    ['vault-transit://team/a', 'its kind is none of'],
    ['vault-kv:///a', 'its manager is not an identifier'],
    ['vault-kv://a@team/a', 'its manager is not an identifier'],
    ['vault-kv://team:8200/a', 'its manager is not an identifier'],
    ['vault-kv://project.team/a', 'its manager is not an identifier'],
    ['vault-kv://te%61m/a', 'its manager is not an identifier'],
    ['vault-kv://team/', 'its path is empty'],
    ['vault-kv://team/a/', 'its path has an empty part'],
    ['vault-kv://team/a//b', 'its path has an empty part'],
    ['vault-kv://team/.', 'its path climbs'],
    ['vault-kv://team/..', 'its path climbs'],
    ['vault-kv://team/a/../b', 'its path climbs'],
    ['vault-kv://team/a/%2e%2e/b', 'its path is not percent-encoded'],
    ['vault-kv://team/a%2Fb', 'its path is not percent-encoded'],
    ['vault-kv://team/%61', 'its path is not percent-encoded'],
    ['vault-kv://team/a%', 'its path is not percent-encoded'],
    ['vault-kv://team/a%2', 'its path is not percent-encoded'],
    ['vault-kv://team/a%zz', 'its path is not percent-encoded'],
    ['vault-kv://team/a b', 'its path is not percent-encoded'],
    ['vault-kv://team/ü', 'its path is not percent-encoded'],
    ['vault-kv://team/a\\b', 'its path is not percent-encoded'],
    ['vault-kv://team/a%C3', 'its path is not percent-encoded'],
    ['vault-kv://team/a%C0%AE', 'its path is not percent-encoded'],
    ['vault-kv://team/a%ED%A0%80', 'its path is not percent-encoded'],
    ['vault-kv://team/a\n', 'its path is not percent-encoded'],
    ['vault-kv://team/a%0Ab', 'its path holds a control character'],
    ['vault-kv://team/a%00', 'its path holds a control character'],
    ['vault-kv://team/a%C2%85', 'its path holds a control character'],
    ['vault-kv://team/a%5Cb', 'its path holds a backslash'],
    ['vault-kv://team/a#', 'its field is empty'],
    ['vault-kv://team/a#%0D', 'its field holds a control character'],
    ['vault-kv://team/a#a b', 'its field is not percent-encoded'],
    ['vault-kv://team/a?version=', 'its version is empty'],
    ['vault-kv://team/a?version=%31', 'its version is not percent-encoded'],
  ])('that is none is refused: %j', (text, problem) => {
    expect(readPathReference(text)).toEqual({ problem: expect.stringContaining(problem) });
    expect(PathReferenceText.safeParse(text).success).toBe(false);
  });

  it.each([
    ['path', 1_024, (size: number) => 'a'.repeat(size)],
    ['version', 256, (size: number) => `a?version=${'1'.repeat(size)}`],
    ['field', 256, (size: number) => `a#${'%20'.repeat(size)}`],
  ])('has a %s of up to %d characters', (part, max, make) => {
    expect(readPathReference(`vault-kv://team/${make(max)}`)).toHaveProperty('kind', 'vault-kv');
    expect(readPathReference(`vault-kv://team/${make(max + 1)}`)).toEqual({
      problem: `its ${part} is longer than ${max} characters`,
    });
  });
});
