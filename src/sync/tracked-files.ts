// Pure: which files of a repository are entities, and whose. A connector follows the patterns its tracking names, or else the
// places where the kinds of its account put their entities.
import type { Kind } from '../entities/kinds.repository.js';
import { cutText } from '../kernel/storable.js';
import { type Captured, compilePattern, type Matcher } from '../policy/file-patterns.js';
import { Identifier } from '../policy/identifiers.js';
import { keptPath, pathProblem } from '../policy/paths.js';
import { namesOf, type Scope, scopeOf } from '../scopes/scope.js';

export interface TrackedFile {
  pattern: string;
  kind: string;
}

/** An entity as its path names it. */
export interface Named {
  scope: Scope;
  kind: string;
  id: string;
}

/** What a path means: an entity, nothing, or what it would be if it were named well. */
export type Meaning = { named: Named } | { kind: string; problem: string } | undefined;

interface Rule {
  kind: string;
  match: Matcher;
}

export class TrackedFiles {
  readonly #rules: Rule[];

  /**
   * @param scope the connector's
   * @param files none: where the kinds put them
   */
  constructor(
    private readonly scope: Scope,
    files: readonly TrackedFile[],
    kinds: readonly Pick<Kind, 'id' | 'pathTemplate'>[],
  ) {
    const isTemplate = files.length === 0;
    const given = isTemplate ? kinds.flatMap((kind) => placesOf(scope, kind)) : files;
    this.#rules = given.map(({ pattern, kind }) => ({
      kind,
      match: compilePattern(pattern, { isTemplate }),
    }));
  }

  /** What the path means by the first pattern that fits it. */
  meaningOf(path: string): Meaning {
    if (!/\.ya?ml$/.test(path)) return undefined;
    for (const { kind, match } of this.#rules) {
      const found = match(path);
      const meaning = found === undefined ? undefined : this.#name(kind, path, found);
      if (meaning !== undefined) return meaning;
    }
    return undefined;
  }

  /** Undefined where the names are of a scope that the connector does not serve. */
  #name(kind: string, path: string, found: Captured): Meaning {
    const own = namesOf(this.scope);
    const names = { account: own.account, org: found.org ?? own.org, project: found.project ?? own.project };
    if (names.project !== undefined && names.org === undefined) return undefined;
    if (own.org !== undefined && names.org !== own.org) return undefined;
    if (own.project !== undefined && names.project !== own.project) return undefined;
    const bad = [found.id ?? '', names.org, names.project].find(
      (name) => name !== undefined && !Identifier.safeParse(name).success,
    );
    if (bad !== undefined)
      return { kind, problem: `the path names ${JSON.stringify(cutText(bad, 200))}, which is no identifier` };
    const problem = pathProblem(path);
    if (problem !== undefined) return { kind, problem: `the path ${problem}` };
    return { named: { scope: scopeOf(names), kind, id: found.id as string } };
  }
}

/** Whether rows may name it. A longer path is no entity's. */
export const isKeepable = (path: string): boolean => keptPath(path) === path;

/** What a kind's template makes in scopes of each level that the connector serves, the deepest first. */
function placesOf(
  scope: Scope,
  { id: kind, pathTemplate }: Pick<Kind, 'id' | 'pathTemplate'>,
): TrackedFile[] {
  const own = namesOf(scope);
  const levels = [
    { org: '{org}', project: '{project}' },
    { org: '{org}', project: '' },
    { org: '', project: '' },
  ].filter(
    ({ org, project }) =>
      (own.org === undefined || org !== '') && (own.project === undefined || project !== ''),
  );
  const patterns = levels.map(({ org, project }) =>
    pathTemplate
      .split('/')
      .map((part) =>
        part
          // By functions: a `$` in a name is one.
          .replaceAll('{account}', () => own.account)
          .replaceAll('{kind}', () => kind)
          .replaceAll('{org}', () => own.org ?? org)
          .replaceAll('{project}', () => own.project ?? project),
      )
      .filter((part) => part !== '')
      .join('/'),
  );
  return [...new Set(patterns)].map((pattern) => ({ pattern, kind }));
}
