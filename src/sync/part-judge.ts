// What a part of a branch's files means for the copy: looks at what the copy has around them, and lets the plan decide. Refreshes
// and imports both go this way.
import { Injectable } from '@nestjs/common';
import type { Connector } from '../connectors/connectors.repository.js';
import { CopiesRepository, type CopyRecord } from '../entities/copies.repository.js';
import { InlineRepository } from '../entities/inline.repository.js';
import type { Kind } from '../entities/kinds.repository.js';
import type { BlobId, CommitId, Git } from '../git/git.js';
import { Failure } from '../kernel/failure.js';
import type { FileChangeWithContent } from './branch-changes.js';
import { CopyWriter, type WrittenPart } from './copy-writer.js';
import type { JudgeAhead } from './judge-ahead.js';
import { type FileChange, type Journey, nameOf, planRefresh, type Surroundings } from './refresh-plan.js';

interface Order {
  connector: Connector;
  branch: string;
  /** Of the account. */
  kinds: ReadonlyMap<string, Kind>;
}

/** Where documents come from, and what is known of them already. */
interface Sources {
  git: Git;
  target: CommitId;
  /** Without them: those that came along. */
  contents?: Map<BlobId, Uint8Array>;
  ahead?: JudgeAhead | undefined;
}

@Injectable()
export class PartJudge {
  constructor(
    private readonly copies: CopiesRepository,
    private readonly inlines: InlineRepository,
    private readonly writer: CopyWriter,
  ) {}

  /** What the copy has at these files' paths, of the entities they are, and at their paths on other branches. */
  async look(
    { connector, branch }: Pick<Order, 'connector' | 'branch'>,
    changes: Pick<FileChange, 'path'>[],
    meaningOf: Journey['meaningOf'],
  ): Promise<Surroundings> {
    const place = { repository: connector.url, branch };
    const paths = changes.map(({ path }) => path);
    const named = paths.flatMap((path) => {
      const meaning = meaningOf(path);
      return meaning !== undefined && 'named' in meaning ? meaning.named : [];
    });
    const onOtherBranches = await this.copies.onOtherBranches(place, paths, connector.scope);
    const around = await this.copies.around(place, paths, [...named, ...onOtherBranches.values()]);
    const inline = await this.inlines.among(named);
    return {
      scope: connector.scope,
      ...place,
      byPath: new Map(around.filter(isIn(connector.url)).map((copy) => [copy.path, copy])),
      byKey: new Map(around.map((copy) => [nameOf(copy), copy])),
      onOtherBranches,
      inline: new Set(inline.map(nameOf)),
    };
  }

  /**
   * The same for a push: also around the paths where entities appear that leave theirs, and with what has left before, such as
   * the file of an entity that could not be taken at its new place.
   */
  async lookAlong(
    order: Order,
    changes: FileChange[],
    { git, target, journey }: { git: Git; target: CommitId; journey: Journey },
  ): Promise<{ around: Surroundings; leaving: ReadonlySet<string> }> {
    const here = await this.look(order, changes, journey.meaningOf);
    const arrivals = changes.flatMap(({ path, to }) => {
      const copy = to === null ? here.byPath.get(path) : undefined;
      const arrival = copy === undefined ? undefined : journey.arrivals.get(nameOf(copy));
      return arrival === undefined ? [] : { path: arrival };
    });
    if (arrivals.length === 0)
      return { around: here, leaving: await this.#leaving(changes, here, { git, target, journey }) };
    const there = await this.look(order, arrivals, journey.meaningOf);
    const around = {
      ...here,
      byPath: new Map([...here.byPath, ...there.byPath]),
      byKey: new Map([...here.byKey, ...there.byKey]),
      onOtherBranches: new Map([...here.onOtherBranches, ...there.onOtherBranches]),
    };
    return { around, leaving: await this.#leaving(changes, around, { git, target, journey }) };
  }

  /** Where an entity seems to have two files, Git is asked whether the one that the copy knows is still there. */
  async #leaving(
    changes: FileChange[],
    { repository, byPath, byKey, onOtherBranches }: Surroundings,
    { git, target, journey }: { git: Git; target: CommitId; journey: Journey },
  ): Promise<ReadonlySet<string>> {
    const seconds = changes.flatMap(({ path, to }) => {
      if (to === null || byPath.has(path)) return [];
      const meaning = journey.meaningOf(path);
      const named =
        onOtherBranches.get(path) ?? (meaning !== undefined && 'named' in meaning ? meaning.named : null);
      const copy = named === null ? undefined : byKey.get(nameOf(named));
      const isOther = copy !== undefined && copy.repository === repository && copy.path !== path;
      return isOther && !journey.leaving.has(copy.path) ? copy.path : [];
    });
    if (seconds.length === 0) return journey.leaving;
    const paths = [...new Set(seconds)];
    const found = await readIfShort(git, target, paths);
    return new Set([...journey.leaving, ...paths.filter((_, at) => found[at] === null)]);
  }

  /** For documents whose turn comes next. */
  ahead(kinds: ReadonlyMap<string, Kind>): JudgeAhead {
    return this.writer.judgeAhead(kinds);
  }

  /** What is to be written of them, with the documents as they stand in `target`. */
  async decide(
    { connector, kinds }: Order,
    changes: FileChangeWithContent[],
    { around, journey }: { around: Surroundings; journey: Journey },
    { git, target, contents, ahead }: Sources,
  ): Promise<WrittenPart> {
    const actions = planRefresh(changes, around, journey);
    const paths = changes.map(({ path }) => path);
    return this.writer.prepare(git, {
      connector,
      kinds,
      target,
      actions,
      contents: contents ?? contentsOf(changes),
      ahead,
      paths,
    });
  }
}

/** What is too long to be read is there; of several that are it together, each half is read by itself. */
export async function readIfShort(
  git: Pick<Git, 'read'>,
  target: CommitId,
  paths: string[],
): Promise<(object | null)[]> {
  try {
    return await git.read(target, paths);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'GIT_LIMIT_EXCEEDED') throw error;
    if (paths.length < 2) return paths.map(() => ({}));
    const middle = Math.ceil(paths.length / 2);
    const first = await readIfShort(git, target, paths.slice(0, middle));
    return [...first, ...(await readIfShort(git, target, paths.slice(middle)))];
  }
}

/** What came along with them. */
const contentsOf = (changes: FileChangeWithContent[]): Map<BlobId, Uint8Array> =>
  new Map(
    changes.flatMap(({ to, content }) => (to === null || content === undefined ? [] : [[to.id, content]])),
  );

const isIn =
  (repository: string) =>
  (copy: CopyRecord): boolean =>
    copy.repository === repository;
