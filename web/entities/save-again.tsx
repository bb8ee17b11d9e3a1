// What a save was to write, saved once more over what is there now: nothing is tried again by itself.
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { unless } from '../data/outwards.js';
import { goTo, hrefOf } from '../data/route.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { LazyDiff } from '../parts/lazy-diff.js';
import { ProblemBox } from '../parts/problem.js';
import { announce } from './announce.js';
import type { Entity } from './git-state.js';
import type { Saved } from './save.js';
import { SaveDialog } from './save-dialog.js';

export interface SaveAgainProps {
  scope: string;
  operation: Schemas['Operation'];
  kind: string;
  entity: string;
  yaml: string;
  label: string;
}

/** What stands there now; null: nothing. */
type Standing = Pick<Entity, 'blobId' | 'yaml'> | null;

export function SaveAgain({ scope, operation, kind, entity, yaml, label }: SaveAgainProps): VNode {
  const [standing, setStanding] = useState<Standing | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const { git, store } = operation;
  const isInline = store === 'inline';
  const branch = git?.branch ?? '';
  const look = (): Promise<boolean> =>
    run(async () => {
      const params = { path: { kind, id: entity }, query: isInline ? {} : { branch } };
      const found = await unless(404, answer(apiOf(scope).GET('/entities/{kind}/{id}', { params })));
      setStanding(found ?? null);
    });
  const settle = (saved: Saved): void => {
    announce({ kind, id: entity }, scope, saved);
    goTo(
      'operation' in saved
        ? hrefOf(scope, ['operations', saved.operation.id])
        : hrefOf(scope, ['entities', kind, entity], { branch: saved.entity.git?.branch }),
    );
  };
  return (
    <Allowed scope={scope} needs="entity.edit">
      <Button look="primary" isBusy={isBusy} onPress={() => void look()}>
        {label}
      </Button>
      <ProblemBox error={error} />
      {standing !== undefined && (
        <SaveDialog
          scope={scope}
          target={{ kind, id: entity, from: standing?.blobId ?? null, isInline }}
          yaml={yaml}
          place={{ branch, ...(standing === null && { connector: git?.connector, path: git?.path ?? '' }) }}
          connector={git?.connector}
          change={<LazyDiff before={standing?.yaml ?? ''} after={yaml} label="What it changes" />}
          onSaved={settle}
          onRefused={() => undefined}
          onClose={() => setStanding(undefined)}
        />
      )}
    </Allowed>
  );
}
