import { describe, expect, it } from 'vitest';
import { judgePostgres } from '../../../src/operating/checks/database.js';
import { judgeClock } from '../../../src/operating/checks/deployment.js';
import { judgeNode } from '../../../src/operating/checks/machine.js';
import { judgeAddresses, judgeRedis } from '../../../src/operating/checks/redis.js';

describe('versions', () => {
  it.each([
    [150_015, 'ok'],
    [150_014, 'wrong'],
    [130_023, 'wrong'],
    [180_004, 'ok'],
    [190_000, 'ok'],
    [140_019, 'wrong'],
  ])('PostgreSQL %i is %s', (version, status) => {
    expect(judgePostgres(version).status).toBe(status);
  });

  it.each<['redis' | 'valkey', string, string]>([
    ['redis', '7.0.15', 'note'],
    ['redis', '7.0.14', 'wrong'],
    ['redis', '6.2.14', 'wrong'],
    ['redis', '7.2.10', 'wrong'],
    ['redis', '7.2.11', 'ok'],
    ['redis', '8.2.2', 'ok'],
    ['redis', '8.2.1', 'wrong'],
    ['redis', '8.4.0', 'ok'],
    ['valkey', '8.1.3', 'wrong'],
    ['valkey', '8.1.4', 'ok'],
    ['valkey', '9.0.0', 'ok'],
  ])('%s %s is %s', (product, version, status) => {
    expect(judgeRedis(product, version).status).toBe(status);
  });

  it.each([
    ['24.14.1', 'ok'],
    ['24.21.0', 'ok'],
    ['26.0.0', 'ok'],
    ['24.14.0', 'wrong'],
    ['22.20.0', 'wrong'],
  ])('Node %s is %s', (version, status) => {
    expect(judgeNode(version).status).toBe(status);
  });
});

it.each([
  [['127.0.0.1', '-::1'], 'ok'],
  [['10.0.0.5'], 'ok'],
  [['*', '-::*'], 'wrong'],
  [['0.0.0.0'], 'wrong'],
  [[''], 'wrong'],
  [[], 'note'],
])('a Redis that listens on %j is %s', (addresses, status) => {
  expect(judgeAddresses(addresses).status).toBe(status);
});

it.each([
  [0, 'ok'],
  [-900, 'ok'],
  [1_500, 'note'],
  [-6_000, 'wrong'],
  [90_000, 'wrong'],
])('a clock that is %i ms ahead is %s', (ms, status) => {
  expect(judgeClock('Redis', { now: 1_000_000 + ms, here: 1_000_000 }).status).toBe(status);
});
