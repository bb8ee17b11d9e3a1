import { useEffect, useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { type Route, refine } from '../data/route.js';
import { Button } from '../parts/button.js';
import { TextField } from '../parts/field.js';
import { LazyDiff } from '../parts/lazy-diff.js';
import { Panel } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { useBranchesOf } from './entity-facts.js';
import type { EntityPlace } from './entity-place.js';
import type { Entity } from './git-state.js';

export interface CompareProps {
  place: EntityPlace;
  entity: Entity | undefined;
  route: Route;
}

/** The entity on two branches, or at two commits, as Git has it. */
export function Compare({ place, entity, route }: CompareProps) {
  const { scope, kind, id } = place;
  const branches = useBranchesOf(place);
  const here = entity?.git?.branch ?? '';
  const other = branches.find((branch) => branch !== here) ?? '';
  const [from, setFrom] = useState(route.query.get('from') ?? '');
  const [to, setTo] = useState(route.query.get('to') ?? '');
  useEffect(() => setFrom((chosen) => chosen || here), [here]);
  useEffect(() => setTo((chosen) => chosen || other), [other]);
  const asked = { from: route.query.get('from') ?? '', to: route.query.get('to') ?? '' };
  const isAsked = asked.from !== '' && asked.to !== '';
  const { data, error } = useResource(
    isAsked ? `compare ${scope} ${kind} ${id} ${asked.from} ${asked.to}` : null,
    () =>
      answer(
        apiOf(scope).GET('/entities/{kind}/{id}/compare', { params: { path: { kind, id }, query: asked } }),
      ),
    { live: ['entity.'] },
  );
  return (
    <div class="stack">
      <form
        class="compare"
        onSubmit={(event) => {
          event.preventDefault();
          refine(route, { from, to });
        }}
      >
        <TextField
          label="From branch or commit"
          value={from}
          onInput={setFrom}
          suggestions={branches}
          isRequired
          isMono
        />
        <TextField
          label="To branch or commit"
          value={to}
          onInput={setTo}
          suggestions={branches}
          isRequired
          isMono
        />
        <Button type="submit" look="primary">
          Compare
        </Button>
      </form>
      <ProblemBox error={error} />
      {!isAsked && error === undefined && (
        <Note title="Choose two sides">
          Name two branches, or two commits by their full id. Both are read from Git itself, not from the
          copy.
        </Note>
      )}
      {data !== undefined && <Sides id={id} comparison={data} from={asked.from} to={asked.to} />}
    </div>
  );
}

interface SidesProps {
  id: string;
  comparison: Schemas['Comparison'];
  from: string;
  to: string;
}

function Sides({ id, comparison, from, to }: SidesProps) {
  const [before, after] = [comparison.from.yaml, comparison.to.yaml];
  return (
    <Panel title={`${from} → ${to}`} isFlush>
      {before === null || after === null ? (
        <div class="inset">
          <Note title={`${id} is not on both sides`}>
            {before === null ? `There is no file of it at ${from}.` : ''}{' '}
            {after === null ? `There is no file of it at ${to}.` : ''}
          </Note>
        </div>
      ) : (
        <LazyDiff before={before} after={after} label={`${id} at ${from} and ${to}`} />
      )}
    </Panel>
  );
}
