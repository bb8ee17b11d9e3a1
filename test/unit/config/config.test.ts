import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Config, readConfig, type SettingName, settings } from '../../../src/config/config.js';
import { failureOf } from '../support/refusals.js';

/** The problems that these variables make. */
const problemsOf = (env: Record<string, string>): string[] => {
  const failure = failureOf(() => readConfig(env));
  expect(failure.code).toBe('CONFIGURATION_INVALID');
  return (failure.data as { problems: string[] }).problems;
};
const valueOf = (name: SettingName, text: string): unknown => readConfig({ [name]: text })[name];

const defaults: { [K in SettingName]: Config[K] } = {
  DATABASE_URL: undefined,
  REDIS_URL: undefined,
  SALLYPORT_REDIS_ADMIN_URL: undefined,
  SALLYPORT_REDIS_DELEGATE_URL: undefined,
  SALLYPORT_REDIS_CA_FILE: undefined,
  SALLYPORT_REDIS_CLIENT_CERTIFICATE_FILE: undefined,
  SALLYPORT_REDIS_CLIENT_KEY_FILE: undefined,
  NODE_ENV: 'development',
  SALLYPORT_HOST: '127.0.0.1',
  SALLYPORT_PORT: 7070,
  SALLYPORT_PUBLIC_URL: undefined,
  SALLYPORT_TRUSTED_PROXIES: undefined,
  SALLYPORT_PLAYGROUND_PORT: 7071,
  SALLYPORT_DATA_DIR: path.resolve('.sallyport'),
  SALLYPORT_MASTER_KEY_FILE: undefined,
  SALLYPORT_ACCOUNT: undefined,
  SALLYPORT_LOG_LEVEL: 'info',
  SALLYPORT_GIT_ALLOW_HTTP: false,
  SALLYPORT_GIT_ALLOW_PRIVATE: false,
  SALLYPORT_GIT_ALLOWED_RANGES: undefined,
  SALLYPORT_GIT_DENIED_RANGES: undefined,
  SALLYPORT_GIT_PROXY_URL: undefined,
  SALLYPORT_GIT_PROXY_BYPASS: undefined,
  SALLYPORT_GIT_PROXY_RESOLVES: false,
  SALLYPORT_GIT_CA_FILE: undefined,
  SALLYPORT_GIT_CLIENT_CERTIFICATE_FILE: undefined,
  SALLYPORT_GIT_CLIENT_KEY_FILE: undefined,
  SALLYPORT_GIT_HTTP2: false,
  SALLYPORT_GIT_CACHE_MIB: 64,
  SALLYPORT_GIT_DISK_MIB: 2_048,
  SALLYPORT_GIT_DEADLINE_SECONDS: 60,
  SALLYPORT_COMMITTER_NAME: 'Sallyport',
  SALLYPORT_COMMITTER_EMAIL: 'sallyport@localhost',
  SALLYPORT_SECRETS_DEADLINE_SECONDS: 10,
  SALLYPORT_SECRETS_GRACE_HOURS: 24,
  SALLYPORT_SECRETS_CACHE_MINUTES: 30,
  SALLYPORT_SECRETS_DATA_KEY_SECONDS: 300,
  SALLYPORT_OPERATION_DEADLINE_SECONDS: 900,
  SALLYPORT_WAIT_DEFAULT_SECONDS: 30,
  SALLYPORT_WAIT_MAX_SECONDS: 120,
  SALLYPORT_LEASE_SECONDS: 10,
  SALLYPORT_LANES_MAX: 16,
  SALLYPORT_POLL_SECONDS: 45,
  SALLYPORT_POLL_FAST_SECONDS: 15,
  SALLYPORT_PULLS_POLL_SECONDS: 60,
  SALLYPORT_SESSION_HOURS: 12,
  SALLYPORT_IDENTITY_ALLOW_HTTP: false,
  SALLYPORT_IDENTITY_ALLOW_PRIVATE: false,
  SALLYPORT_IDENTITY_ALLOWED_RANGES: undefined,
  SALLYPORT_EVENTS_KEEP_DAYS: 30,
  SALLYPORT_EVENT_STREAMS_MAX: 100,
  SALLYPORT_SUBSCRIPTIONS_ALLOW_HTTP: false,
  SALLYPORT_SUBSCRIPTIONS_ALLOW_PRIVATE: false,
  SALLYPORT_SUBSCRIPTIONS_ALLOWED_RANGES: undefined,
  SALLYPORT_SUBSCRIPTIONS_DEADLINE_SECONDS: 15,
  SALLYPORT_SUBSCRIPTIONS_RETRY_SECONDS: 259_200,
  SALLYPORT_DELEGATE_NAME: undefined,
  SALLYPORT_DELEGATE_TAGS: undefined,
  SALLYPORT_DELEGATE_POLICY_FILE: undefined,
  SALLYPORT_DELEGATE_GRACE_SECONDS: 20,
  SALLYPORT_HEALTH_PORT: undefined,
  SALLYPORT_HEALTH_HOST: '127.0.0.1',
  SALLYPORT_TRACES_URL: undefined,
  SALLYPORT_TRACES_PERCENT: 100,
  SALLYPORT_DELEGATE_HEALTH_PORT: undefined,
  SALLYPORT_DELEGATE_HEALTH_HOST: '127.0.0.1',
  SALLYPORT_DELEGATE_TASKS_MAX: 8,
  SALLYPORT_DELEGATE_GIT_ENGINE: 'in-process',
};

const names = Object.keys(settings) as SettingName[];

describe('without any variable', () => {
  it.each(names)('%s has its default', (name) => {
    expect(readConfig({})[name]).toEqual(defaults[name]);
  });

  it('nothing but the settings is there, and nobody can change them', () => {
    const config = readConfig({ PATH: '/bin', HOME: '/root' });
    expect(Object.keys(config).toSorted()).toEqual(
      names.filter((name) => defaults[name] !== undefined || name in config).toSorted(),
    );
    expect(() => Object.assign(config, { SALLYPORT_PORT: 1 })).toThrow(TypeError);
  });

  it.each(names)('%s says in a sentence what it is for', (name) => {
    expect(settings[name].description).toMatch(/^[A-Z`].*\.$/);
  });
});

describe('an empty variable', () => {
  it.each(names)('%s counts as unset', (name) => {
    expect(readConfig({ [name]: '' })[name]).toEqual(defaults[name]);
  });
});

const limits: [SettingName, number, number][] = [
  ['SALLYPORT_PORT', 0, 65_535],
  ['SALLYPORT_PLAYGROUND_PORT', 0, 65_535],
  ['SALLYPORT_GIT_CACHE_MIB', 1, 65_536],
  ['SALLYPORT_GIT_DEADLINE_SECONDS', 1, 3_600],
  ['SALLYPORT_SECRETS_DEADLINE_SECONDS', 1, 300],
  ['SALLYPORT_SECRETS_CACHE_MINUTES', 0, 1_440],
  ['SALLYPORT_SECRETS_DATA_KEY_SECONDS', 0, 300],
  ['SALLYPORT_OPERATION_DEADLINE_SECONDS', 1, 604_800],
  ['SALLYPORT_WAIT_DEFAULT_SECONDS', 0, 300],
  ['SALLYPORT_WAIT_MAX_SECONDS', 0, 300],
  ['SALLYPORT_LEASE_SECONDS', 2, 300],
  ['SALLYPORT_LANES_MAX', 1, 1_024],
  ['SALLYPORT_POLL_SECONDS', 1, 3_600],
  ['SALLYPORT_POLL_FAST_SECONDS', 1, 3_600],
  ['SALLYPORT_PULLS_POLL_SECONDS', 1, 3_600],
  ['SALLYPORT_DELEGATE_TASKS_MAX', 1, 256],
];

describe('a number', () => {
  it.each(limits)('%s goes from %i to %i', (name, min, max) => {
    expect(valueOf(name, String(min))).toBe(min);
    expect(valueOf(name, String(max))).toBe(max);
  });

  it.each(limits)('%s takes nothing below %i or above %i', (name, min, max) => {
    const beyond = `${name} is not between ${min} and ${max}: ${settings[name].description}`;
    const below = min > 0 ? beyond : `${name} is not a whole number: ${settings[name].description}`;
    expect(problemsOf({ [name]: String(min - 1) })).toEqual([below]);
    expect(problemsOf({ [name]: String(max + 1) })).toEqual([beyond]);
  });

  it.each(['-1', '1.0', '1e2', '0x10', ' 1', '1 ', '1\n', '١', 'NaN', 'Infinity', '9999999999', 'five'])(
    'is not written %j',
    (text) => {
      for (const [name] of limits)
        expect(problemsOf({ [name]: text })).toEqual([
          `${name} is not a whole number: ${settings[name].description}`,
        ]);
    },
  );
});

const choices: [SettingName, string[]][] = [
  ['SALLYPORT_LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']],
  ['SALLYPORT_DELEGATE_GIT_ENGINE', ['in-process', 'native']],
];

describe('a choice', () => {
  it.each(choices)('%s takes each of %j', (name, texts) => {
    for (const text of texts) expect(valueOf(name, text)).toBe(text);
  });

  it.each(choices)('%s takes nothing else', (name, texts) => {
    for (const text of ['other', 'constructor', ` ${texts[0]}`, texts[0]?.toUpperCase() ?? ''])
      expect(problemsOf({ [name]: text })).toHaveLength(1);
  });

  it.each([
    'SALLYPORT_GIT_ALLOW_HTTP',
    'SALLYPORT_GIT_ALLOW_PRIVATE',
    'SALLYPORT_GIT_PROXY_RESOLVES',
    'SALLYPORT_GIT_HTTP2',
  ] as const)('%s is true or false, and nothing that only looks like it', (name) => {
    expect(valueOf(name, 'true')).toBe(true);
    expect(valueOf(name, 'false')).toBe(false);
    for (const text of ['1', '0', 'yes', 'no', 'True', 'FALSE', ' true', 'truee'])
      expect(problemsOf({ [name]: text })).toEqual([
        `${name} is neither true nor false: ${settings[name].description}`,
      ]);
  });
});

describe('a text', () => {
  const accepted: [SettingName, string][] = [
    ['DATABASE_URL', 'postgres://u:p@db:5432/name?sslmode=require'],
    ['DATABASE_URL', 'postgresql://db/name'],
    ['REDIS_URL', 'redis://:pw@cache:6379/0'],
    ['REDIS_URL', 'rediss://cache'],
    ['NODE_ENV', 'test'],
    ['SALLYPORT_HOST', '::'],
    ['SALLYPORT_ACCOUNT', 'constructor'],
    ['SALLYPORT_ACCOUNT', `_${'a'.repeat(127)}`],
    ['SALLYPORT_COMMITTER_NAME', 'Größe & Co'],
    ['SALLYPORT_DELEGATE_NAME', 'eu-1.example_com'],
    ['SALLYPORT_DELEGATE_NAME', 'd'.repeat(128)],
  ];
  it.each(accepted)('%s takes %s', (name, text) => {
    expect(valueOf(name, text)).toBe(text);
  });

  it.each<[SettingName, string, unknown]>([
    ['SALLYPORT_DELEGATE_TAGS', 'eu-1', ['eu-1']],
    ['SALLYPORT_DELEGATE_TAGS', 'eu, gpu.large', ['eu', 'gpu.large']],
    ['SALLYPORT_DELEGATE_GRACE_SECONDS', '0', 0],
    ['SALLYPORT_DELEGATE_HEALTH_PORT', '9464', 9_464],
  ])('%s reads %s', (name, text, value) => {
    expect(valueOf(name, text)).toEqual(value);
  });

  const refused: [SettingName, string][] = [
    ['DATABASE_URL', 'mysql://db/name'],
    ['DATABASE_URL', 'db/name'],
    ['DATABASE_URL', 'postgres'],
    ['REDIS_URL', 'http://cache'],
    ['REDIS_URL', 'localhost:6379'],
    ['SALLYPORT_ACCOUNT', '1st'],
    ['SALLYPORT_ACCOUNT', 'a b'],
    ['SALLYPORT_ACCOUNT', 'a'.repeat(129)],
    ['SALLYPORT_DELEGATE_NAME', 'a/b'],
    ['SALLYPORT_DELEGATE_NAME', 'd'.repeat(129)],
    ['SALLYPORT_DELEGATE_TAGS', 'EU'],
    ['SALLYPORT_DELEGATE_TAGS', 'eu,,us'],
    ['SALLYPORT_DELEGATE_TAGS', 'e:u'],
    ['SALLYPORT_DELEGATE_TAGS', 'g'.repeat(64)],
    ['SALLYPORT_DELEGATE_TAGS', Array.from({ length: 33 }, (_, n) => `t${n}`).join()],
    ['SALLYPORT_DELEGATE_GRACE_SECONDS', '3601'],
    ['SALLYPORT_DELEGATE_HEALTH_PORT', '65536'],
    ['SALLYPORT_REDIS_ADMIN_URL', 'http://redis.example'],
    ['SALLYPORT_REDIS_DELEGATE_URL', 'redis.example:6379'],
  ];
  it.each(refused)('%s does not take %s', (name, text) => {
    const [problem, ...others] = problemsOf({ [name]: text });
    expect(problem).toMatch(new RegExp(`^${name} is not .*: `));
    expect(problem).toContain(settings[name].description);
    expect(others).toEqual([]);
  });

  it.each(['SALLYPORT_DATA_DIR', 'SALLYPORT_MASTER_KEY_FILE'] as const)(
    '%s becomes a whole path from where the process was started',
    (name) => {
      expect(valueOf(name, 'some/place')).toBe(path.join(process.cwd(), 'some/place'));
      expect(valueOf(name, '/some/../place')).toBe('/place');
    },
  );

  it('that is refused is not repeated: it may hold a password', () => {
    const failure = failureOf(() =>
      readConfig({ DATABASE_URL: 'mysql://u:hunter2@db', REDIS_URL: 'hunter2' }),
    );
    expect(failure.message + failure.hint).not.toContain('hunter2');
  });
});

describe('all problems', () => {
  it('are reported together, each with its variable', () => {
    const env = {
      SALLYPORT_PORT: '70000',
      SALLYPORT_GIT_ALLOW_HTTP: 'yes',
      SALLYPORT_PROT: '7070',
      DATABASE_URL: 'mysql://x',
      NODE_ENV: 'production',
    };
    const problems = problemsOf(env);
    const variables = problems.map((problem) => problem.split(' ')[0] ?? '').toSorted();
    expect(variables).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'SALLYPORT_GIT_ALLOW_HTTP',
      'SALLYPORT_PORT',
      'SALLYPORT_PROT',
    ]);
    const { message } = failureOf(() => readConfig(env));
    for (const problem of problems) expect(message).toContain(`- ${problem}`);
  });

  it('are as many as there are wrong variables, whichever they are', () => {
    fc.assert(
      fc.property(fc.subarray(limits.map(([name]) => name)), (wrong) => {
        const env = Object.fromEntries(wrong.map((name) => [name, 'wrong']));
        expect(problemsOf({ ...env, REDIS_URL: 'wrong' })).toHaveLength(wrong.length + 1);
      }),
    );
  });
});

describe('a variable that is no setting', () => {
  it.each(['SALLYPORT_PROT', 'SALLYPORT_', 'SALLYPORT_port', 'SALLYPORT_constructor', 'SALLYPORT_REDIS_URL'])(
    'is refused where its name begins with SALLYPORT_: %s',
    (name) => {
      expect(problemsOf({ [name]: 'x' })).toEqual([
        `${name} is not a setting: remove it or correct its spelling`,
      ]);
    },
  );

  it.each([
    'SALLYPORT_SERVER',
    'SALLYPORT_TOKEN',
    'SALLYPORT_SCOPE',
    'SALLYPORT_PROFILE',
    'SALLYPORT_CONFIG',
  ])('is left alone where the command line reads it: %s', (name) => {
    expect(readConfig({ [name]: 'x' })).toEqual(readConfig({}));
  });

  it('is refused even when it is empty', () => {
    expect(problemsOf({ SALLYPORT_PROT: '' })).toHaveLength(1);
  });

  it.each(['SALLYPORTX', 'sallyport_prot', 'MY_SALLYPORT_PORT', 'PORT', '__proto__', 'constructor'])(
    'is passed over where it is somebody else’s: %s',
    (name) => {
      expect(readConfig({ [name]: 'x' }).SALLYPORT_PORT).toBe(7070);
    },
  );
});

describe('production', () => {
  it('is refused without REDIS_URL', () => {
    for (const env of [{ NODE_ENV: 'production' }, { NODE_ENV: 'production', REDIS_URL: '' }])
      expect(problemsOf(env)).toEqual([expect.stringMatching(/^REDIS_URL is required .*production/)]);
  });

  it('takes a Redis', () => {
    const config = readConfig({ NODE_ENV: 'production', REDIS_URL: 'redis://cache' });
    expect(config.REDIS_URL).toBe('redis://cache');
  });

  it.each(['development', 'test', 'Production'])('is not meant by %s', (name) => {
    expect(readConfig({ NODE_ENV: name }).NODE_ENV).toBe(name);
  });
});

describe('without an argument', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('the process’s own environment is read', () => {
    vi.stubEnv('SALLYPORT_PORT', '4711');
    expect(readConfig().SALLYPORT_PORT).toBe(4711);
  });
});
