// Two accounts at one manager: `demo`, which saves a thousand times, and `other`, which saves once. Both reach the same
// repositories with credentials of their own, and their pushes can be made to stand at a gate.
import fs from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { createRepository } from '../../src/playground/git-host.js';
import { managerPrefix } from '../../src/queue/backend.js';
import { type Answer, Api, eventually } from './api.js';
import { sql } from './database.js';
import { runCommand } from './processes.js';
import { PushGate } from './push-gate.js';
import { assertSound, git, trailers } from './repository.js';
import { type Road, Stack } from './stack.js';

const repositories = ['demo', 'second', 'third'];
const branches = Array.from({ length: 10 }, (_, n) => `lane-${n}`);
const soon = { prefer: 'wait=0' };

/** A lane, as the connector and the branch that lead to it. */
export interface Place {
  connector: string;
  branch: string;
}

/** Twenty lanes, in two of the repositories. */
export const manyPlaces: Place[] = ['demo', 'second'].flatMap((connector) =>
  branches.map((branch) => ({ connector, branch })),
);
export const main: Place = { connector: 'demo', branch: 'main' };
/** Where `demo` saves nothing. */
export const ownPlace: Place = { connector: 'third', branch: 'main' };

export class Crowd {
  readonly gate: PushGate;
  readonly stack: Stack;
  /** Speaks for the account with one save. */
  other!: Api;

  private constructor(stack: Stack, gate: PushGate) {
    this.stack = stack;
    this.gate = gate;
  }

  static async gather(road: Road, lanesMax: number): Promise<Crowd> {
    const settings = { SALLYPORT_LANES_MAX: String(lanesMax), SALLYPORT_GIT_DEADLINE_SECONDS: '120' };
    const stack = await Stack.start('real', { delegates: 0, settings });
    const crowd = new Crowd(stack, await PushGate.before(stack.host.url));
    const env = { DATABASE_URL: stack.databaseUrl };
    const made = await runCommand('src/token.js', ['--account', 'other'], { env });
    crowd.other = new Api(stack.manager?.url ?? '', made.stdout.trim());
    for (const name of repositories) crowd.#makeRepository(name);
    await crowd.#furnish(stack.api, 'demo', road, stack.accounts.manager);
    await crowd.#furnish(crowd.other, 'other', road, stack.accounts.guest);
    if (road === 'delegate')
      for (const [api, account] of [
        [stack.api, 'demo'],
        [crowd.other, 'other'],
      ] as const)
        await crowd.#startDelegate(api, account);
    return crowd;
  }

  #makeRepository(name: string): void {
    const root = path.join(this.stack.home, 'repositories');
    if (!fs.existsSync(path.join(root, `${name}.git`)))
      createRepository(root, name, { files: { 'README.md': 'here\n' } });
    for (const branch of branches) git(this.repository(name), 'branch', branch, 'main');
  }

  async #furnish(api: Api, account: string, road: Road, login: Stack['accounts']['guest']): Promise<void> {
    const at = `accounts/${account}`;
    await api.ok('PUT', `${at}/kinds/pipeline`, {
      pathTemplate: `${account}/{id}.yaml`,
      schema: { type: 'object' },
    });
    await api.ok('PUT', `${at}/secrets/login`, { manager: 'builtin', value: login.password });
    for (const name of repositories)
      await api.ok('PUT', `${at}/connectors/${name}`, {
        url: `${this.gate.url}/${name}.git`,
        connectivity: road,
        credential: { username: login.username, secret: 'login' },
      });
  }

  /** One that does a single task at a time. */
  async #startDelegate(api: Api, account: string): Promise<void> {
    const { token } = await api.ok('POST', `accounts/${account}/delegate-tokens`, { group: 'narrow' });
    const settings = {
      SALLYPORT_DATA_DIR: path.join(this.stack.home, `narrow-${account}`),
      SALLYPORT_DELEGATE_TASKS_MAX: '1',
    };
    const args = ['enrol', '--manager', api.url, '--token', '-', '--name', account];
    const env = { ...this.stack.delegateEnvironment(), ...settings };
    const { code, stderr } = await runCommand('workers/delegate.js', args, { env, input: token });
    if (code !== 0) throw new Error(stderr);
    await this.stack.startDelegate(undefined, settings);
    await eventually(async () => {
      const explained = await api.ok('POST', `accounts/${account}/explain`, { connector: 'demo' });
      return explained.delegates[0]?.eligible === true;
    }, `the delegate of ${account} to have begun`);
  }

  repository(name: string): string {
    return path.join(this.stack.home, 'repositories', `${name}.git`);
  }

  /** Accepted, all of them, and in no hurry. */
  async saveMany(name: string, count: number, places: Place[]): Promise<void> {
    const numbers = Array.from({ length: count }, (_, n) => n);
    const client = async (): Promise<void> => {
      for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) {
        const place = places[n % places.length] as Place;
        assertTaken(await this.stack.api.save(`${name}-${n}`, `n: ${n}\n`, { ...place }, soon));
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
  }

  async saveOne(name: string, place: Place): Promise<void> {
    const body = { yaml: 'n: 1\n', git: place };
    assertTaken(await this.other.request('PUT', `accounts/other/entities/pipeline/${name}`, body, soon));
  }

  /** Until the manager has been told of everything that waits. */
  async told(): Promise<void> {
    const redis = new Redis(this.stack.redis?.url ?? '');
    const left = () =>
      Promise.all(['wait', 'active'].map((list) => redis.llen(`${managerPrefix}:jobs:${list}`)));
    await eventually(async () => (await left()).every((count) => count === 0), 'every hint to be taken');
    redis.disconnect();
  }

  /** Lets pushes through, each when another one has come for the last, until one of this user is there; how many. */
  async countBefore(user: string): Promise<number> {
    for (let passed = 0; ; passed++) {
      if (this.gate.held.some((push) => push.user === user)) return passed;
      const { arrived } = this.gate;
      this.gate.passOne();
      await eventually(async () => this.gate.arrived > arrived, 'the next push to arrive');
    }
  }

  /** Opens the gate until everything has ended: what was accepted and what succeeded, and what is in Git. */
  async finish(): Promise<{ accepted: string[]; succeeded: string[]; landed: string[] }> {
    this.gate.open();
    const { databaseUrl } = this.stack;
    await eventually(async () => (await this.waiting()) === 0, 'everything to end', 120_000);
    const all = await sql<{ id: string; state: string }>(databaseUrl, 'select id, state from operation');
    const landed = repositories.flatMap((name) =>
      ['main', ...branches].flatMap((branch) => trailers(this.repository(name), branch)),
    );
    return {
      accepted: all.map(({ id }) => id).toSorted(),
      succeeded: all.flatMap(({ id, state }) => (state === 'succeeded' ? [id] : [])).toSorted(),
      landed: landed.toSorted(),
    };
  }

  /** How many operations wait, of this account or of all. */
  async waiting(account = ''): Promise<number> {
    const text = `select 1 from operation where state = 'pending' and account like $1`;
    return (await sql(this.stack.databaseUrl, text, [`accounts/${account}%`])).length;
  }

  async leave(): Promise<void> {
    await this.gate.close();
    for (const name of repositories) assertSound(this.repository(name));
    await this.stack.stop();
  }
}

function assertTaken({ status, text }: Answer): void {
  if (status !== 202) throw new Error(`not taken: ${status} ${text}`);
}
