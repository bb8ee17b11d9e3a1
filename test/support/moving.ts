// A Sallyport whose entities are to be moved: two repositories, each with a connector for either road.
import fs from 'node:fs';
import path from 'node:path';
import { createRepository } from '../../src/playground/git-host.js';
import { type Answer, eventually, type Json } from './api.js';
import { sql } from './database.js';
import { git, head } from './repository.js';
import { type Road, roads, type Stack } from './stack.js';

/** The connector of each road to the other repository. */
export const otherOf: Record<Road, string> = { manager: 'other_direct', delegate: 'other_delegated' };
export const moves = 'accounts/demo/moves';
export const entities = 'accounts/demo/entities';
export const kind = 'pipeline';
export const toInline = { store: 'inline' };

export const yamlOf = (id: string): string => `name: ${id}\n`;
export const named = (...ids: string[]) => ids.map((id) => ({ kind, id }));
export const toGit = (more: object) => ({ store: 'git', connector: 'direct', branch: 'main', ...more });
export const count = (repository: string, branch = 'main'): number =>
  Number(git(repository, 'rev-list', '--count', branch));

function hook(folder: string, script: string): () => void {
  const file = path.join(folder, 'hooks', 'pre-receive');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return () => fs.rmSync(file);
}

/** Does it while the repository takes no push. */
export async function refusing<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const allow = hook(folder, 'echo not today >&2; exit 1');
  return work().finally(allow);
}

/** Pushes wait at the repository until they are let through. The hook stays: git may be about to start it. */
export function holding(folder: string): () => void {
  const held = path.join(folder, 'held');
  fs.writeFileSync(held, '');
  hook(folder, 'while [ -e held ]; do sleep 0.1; done');
  return () => fs.rmSync(held);
}

export class Moving {
  private constructor(
    private readonly stack: Stack,
    /** Folder of the other repository. */
    readonly other: string,
  ) {}

  static async in(stack: Stack): Promise<Moving> {
    const root = path.join(stack.home, 'repositories');
    const { folder } = createRepository(root, 'other', { files: { 'README.md': 'other\n' } });
    const url = `${stack.host.url}/other.git`;
    for (const road of roads) {
      const secret = road === 'manager' ? 'git-direct' : 'git-delegated';
      const credential = { username: stack.accounts[road].username, secret };
      const connector = { url, connectivity: road, credential };
      await stack.api.ok('PUT', `accounts/demo/connectors/${otherOf[road]}`, connector);
    }
    return new Moving(stack, folder);
  }

  save(id: string, file: string, into: object = {}): Promise<Json> {
    const git = { connector: 'direct', branch: 'main', path: file, ...into };
    return this.stack.api.ok('PUT', `${entities}/${kind}/${id}`, { yaml: yamlOf(id), git });
  }

  move(body: object, headers: Record<string, string> = {}): Promise<Answer> {
    return this.stack.api.request('POST', moves, body, { prefer: 'wait=30', ...headers });
  }

  async itemsOf({ id }: Json): Promise<Json[]> {
    return (await this.stack.api.ok('GET', `${moves}/${id}/entities?limit=1000`)).entities;
  }

  ended(id: string): Promise<Json> {
    return eventually(async () => {
      const found = await this.stack.api.ok('GET', `${moves}/${id}`);
      return found.finishedAt !== null && found;
    }, `move ${id} to end`);
  }

  /** Where an entity is, with its document: `inline`, or connector, branch and path of each copy. */
  async placesOf(id: string): Promise<string[]> {
    const found = await sql<{ place: string }>(
      this.stack.databaseUrl,
      `select concat_ws(' ', connector_id, branch, path, convert_from(yaml, 'utf8')) as place from entity where id = $1
       union all select 'inline ' || convert_from(yaml, 'utf8') from inline_entity where id = $1 order by 1`,
      [id],
    );
    return found.map(({ place }) => place.trimEnd());
  }

  /** Waits until both repositories have been followed to where they are. */
  async current(): Promise<void> {
    const folders = { direct: this.stack.repository, other_direct: this.other };
    for (const [connector, folder] of Object.entries(folders))
      await eventually(async () => {
        const { followed } = await this.stack.api.ok('GET', `accounts/demo/connectors/${connector}/tracking`);
        return followed[0]?.state === 'current' && followed[0].synced === head(folder);
      }, `${connector} to be current`);
  }

  /** The events about an entity, in order. */
  told(id: string): Promise<Json[]> {
    const text = 'select type, data from event where subject = $1 order by sequence';
    return sql(this.stack.databaseUrl, text, [`entities/${kind}/${id}`]);
  }
}
