// An entity's document in a commit, as Git has it there: where it lies is the commit's affair, as it may have been moved since.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import { DocumentValidator } from '../entities/document.js';
import { EntitiesRepository, type EntityKey, type EntityRecord } from '../entities/entities.repository.js';
import { KindsRepository } from '../entities/kinds.repository.js';
import type { BlobId, CommitId, Git, Path } from '../git/git.js';
import { Failure, type WireFailure } from '../kernel/failure.js';
import { accountOf } from '../scopes/scope.js';
import { isPlainFile, nameOf } from './refresh-plan.js';
import { TrackedFiles } from './tracked-files.js';
import { TrackingRepository } from './tracking.repository.js';

export interface GitDocument {
  path: Path;
  id: BlobId;
  content: Uint8Array;
}

@Injectable()
export class GitDocuments {
  constructor(
    private readonly entities: EntitiesRepository,
    private readonly kinds: KindsRepository,
    private readonly tracking: TrackingRepository,
    private readonly documents: DocumentValidator,
  ) {}

  /**
   * By the path of this copy, by those of the entity's copies on other branches, and by what paths mean to who follows the
   * repository; null where none of these leads to a file.
   */
  async find(
    { git, connector }: { git: Git; connector: Connector },
    at: CommitId,
    copy: EntityRecord,
  ): Promise<GitDocument | null> {
    const paths = await this.entities.pathsOf(copy, copy.repository);
    const known = await readFirst(git, at, [...new Set([copy.path, ...paths])]);
    if (known !== null) return known;
    const files = await this.#filesOf(connector);
    const name = nameOf(copy);
    const meant = (await git.list(at, '')).flatMap((entry) => {
      const meaning = isPlainFile(entry) ? files.meaningOf(entry.path) : undefined;
      return meaning !== undefined && 'named' in meaning && nameOf(meaning.named) === name ? entry.path : [];
    });
    return meant.length === 0 ? null : readFirst(git, at, meant.slice(0, 1));
  }

  /** Why it is no valid document of the entity; null where it is one. */
  async judge(key: EntityKey, yaml: Uint8Array): Promise<WireFailure | null> {
    const kind = await this.kinds.get(accountOf(key.scope), key.kind);
    try {
      await this.documents.validate(yaml, kind, key);
      return null;
    } catch (error) {
      if (error instanceof Failure) return error.toWire();
      throw error;
    }
  }

  async #filesOf(connector: Connector): Promise<TrackedFiles> {
    const tracking = await this.tracking.find({ scope: connector.scope, connector: connector.id });
    const kinds = await this.kinds.list(accountOf(connector.scope));
    return new TrackedFiles(connector.scope, tracking?.files ?? [], kinds);
  }
}

/** The first of these that is a file. */
async function readFirst(git: Git, at: CommitId, paths: Path[]): Promise<GitDocument | null> {
  const found = (await git.read(at, paths)).flatMap((file, index) =>
    file === null ? [] : { path: paths[index] as Path, ...file },
  );
  const plain = await plainAmong(
    git,
    at,
    found.map(({ path }) => path),
  );
  return found.find(({ path }) => plain.has(path)) ?? null;
}

/** Which of these are files: of a symbolic link, `Git.read` answers where it leads. */
export async function plainAmong(git: Git, at: CommitId, paths: readonly Path[]): Promise<Set<Path>> {
  if (paths.length === 0) return new Set();
  const asked = new Set(paths);
  const entries = await git.list(at, commonFolder(paths));
  return new Set(entries.flatMap((entry) => (asked.has(entry.path) && isPlainFile(entry) ? entry.path : [])));
}

/** ['a/b/x', 'a/c/x'] → 'a' */
export function commonFolder(paths: readonly Path[]): Path {
  const [first = [], ...others] = paths.map((path) => path.split('/').slice(0, -1));
  const apart = first.findIndex((name, at) => others.some((other) => other[at] !== name));
  return (apart < 0 ? first : first.slice(0, apart)).join('/');
}
