// What is typed into the document of an entity: kept while one looks at something else, and given up once it is there.
import { useEffect, useState } from 'preact/hooks';
import { draftOf, keepDraft } from '../data/drafts.js';
import { useOperation } from '../data/operations.js';
import type { LineProblem } from '../editor/line-problems.js';
import type { EntityPlace } from './entity-place.js';
import type { Entity } from './git-state.js';

export interface EntityDraft {
  /** What it was begun with; undefined until that is read. */
  base: Entity | undefined;
  text: string;
  isDirty: boolean;
  /** Whether what was saved of it is neither read back nor refused yet. */
  isOnItsWay: boolean;
  problems: readonly LineProblem[];
  setProblems: (problems: readonly LineProblem[]) => void;
  type: (text: string) => void;
  /** Gives up what was typed. */
  begin: (from: Entity) => void;
  /** An operation has it. */
  send: (operation: string) => void;
}

/** Begins with the names of the drafts of an entity, on whichever branch. */
export const draftsOf = ({ scope, kind, id }: Omit<EntityPlace, 'branch'>): string =>
  `${[scope, kind, id].join(' ')} `;

export function useEntityDraft(place: EntityPlace, entity: Entity | undefined): EntityDraft {
  const name = `${draftsOf(place)}${place.branch ?? ''}`;
  const [{ base, text, sent }, setDraft] = useState(() => {
    const kept = draftOf<Entity | undefined>(name);
    return kept ?? { base: entity, text: entity?.yaml ?? '', sent: undefined };
  });
  const [problems, setProblems] = useState<readonly LineProblem[]>([]);
  const { data: operation } = useOperation(place.scope, sent?.operation);
  const isDirty = base !== undefined && text !== base.yaml;
  const keep = (next: { base: Entity | undefined; text: string; sent?: typeof sent }): void => {
    setDraft({ sent: undefined, ...next });
    const isSame = next.base === undefined || next.text === next.base.yaml;
    keepDraft(name, isSame ? undefined : next);
  };
  const begin = (from: Entity): void => {
    keep({ base: from, text: from.yaml });
    setProblems([]);
  };
  const state = sent === undefined ? undefined : (operation?.state ?? 'pending');
  useEffect(() => {
    if (entity === undefined || entity.blobId === base?.blobId) return;
    if (!isDirty || entity.yaml === text) begin(entity);
    // What was typed since it was sent goes on from there.
    else if (entity.yaml === sent?.text) keep({ base: entity, text });
    // Others have written it since.
    else if (state === 'succeeded') keep({ base, text });
  }, [entity?.blobId, state]);
  useEffect(() => {
    if (state !== undefined && state !== 'pending' && state !== 'succeeded') keep({ base, text });
  }, [state]);
  return {
    base,
    text,
    isDirty,
    isOnItsWay: state === 'pending' || state === 'succeeded',
    problems,
    setProblems,
    type: (typed) => keep({ base, text: typed, sent }),
    begin,
    send: (operation) => keep({ base, text, sent: { operation, text } }),
  };
}
