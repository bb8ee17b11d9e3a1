import { useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from '../data/api.js';
import { type Pages, usePages } from '../data/pages.js';
import { useResource } from '../data/resource.js';
import { hrefOf } from '../data/route.js';
import { Button } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { LazyDiff } from '../parts/lazy-diff.js';
import { News } from '../parts/news.js';
import { Facts, Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';
import { State, type Tone } from '../parts/state.js';
import { Ago } from '../parts/time.js';
import type { EntityPlace } from './entity-place.js';
import type { Entity } from './git-state.js';
import { PullLink } from './pull-request.js';

type Commit = Schemas['EntityCommit'];

const PAGE = '30';
const acts: Record<Commit['what'], { word: string; tone: Tone }> = {
  added: { word: 'Added', tone: 'ok' },
  changed: { word: 'Changed', tone: 'calm' },
  removed: { word: 'Removed', tone: 'bad' },
};

/** The commits that changed its file, as Git tells them, each with what it changed. */
export function History({ place, entity }: { place: EntityPlace; entity: Entity | undefined }) {
  const { scope, kind, id } = place;
  const branch = place.branch ?? entity?.git?.branch;
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const pages = usePages<Commit>(
    `history ${scope} ${kind} ${id} ${branch ?? ''}`,
    async (cursor) => {
      const query = {
        limit: PAGE,
        ...(branch === undefined ? {} : { branch }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const call = apiOf(scope).GET('/entities/{kind}/{id}/history', {
        params: { path: { kind, id }, query },
      });
      const page = await answer(call);
      return { rows: page.commits, next: page.nextCursor };
    },
    { keyOf: ({ commitId }) => commitId, live: ['entity.'] },
  );
  const isEmpty = pages.rows?.length === 0 && !pages.isMore;
  const shown = pages.rows?.find(({ commitId }) => commitId === chosen) ?? pages.rows?.[0];
  return (
    <>
      <ProblemBox error={pages.error} />
      {isEmpty && (
        <Panel isFlush>
          <Empty icon="clock" title="No history here">
            No commit of this branch has changed the file at its present path.
          </Empty>
        </Panel>
      )}
      {!isEmpty && pages.error === undefined && (
        <div class="history">
          <CommitList pages={pages} shown={shown} onShow={setChosen} />
          {shown !== undefined && <CommitPanel key={shown.commitId} place={place} commit={shown} />}
        </div>
      )}
    </>
  );
}

interface CommitListProps {
  pages: Pages<Commit>;
  shown: Commit | undefined;
  onShow: (commitId: string) => void;
}

function CommitList({ pages, shown, onShow }: CommitListProps) {
  return (
    <Panel
      title="Commits"
      isFlush
      news={<News held={pages.held} onShow={pages.update} />}
      footer={
        pages.isMore ? (
          <Button look="tiny" isBusy={pages.isBusy} onPress={pages.more}>
            Look further back
          </Button>
        ) : undefined
      }
    >
      {pages.rows === undefined ? (
        <p class="inset">
          <span class="skeleton" />
        </p>
      ) : (
        <ol class="commits">
          {pages.rows.map((commit) => (
            <li key={commit.commitId} class={pages.held.gone.has(commit.commitId) ? 'gone' : ''}>
              <CommitButton
                commit={commit}
                isShown={commit.commitId === shown?.commitId}
                onShow={() => onShow(commit.commitId)}
              />
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

const subjectOf = ({ message }: Commit): string => message.split('\n')[0] || '(no message)';

interface CommitButtonProps {
  commit: Commit;
  isShown: boolean;
  onShow: () => void;
}

const CommitButton = ({ commit, isShown, onShow }: CommitButtonProps) => (
  <button type="button" aria-pressed={isShown} onClick={onShow}>
    <span class="strong break">{subjectOf(commit)}</span>
    <span class="quiet small">
      {commit.author.name}, <Ago at={commit.authoredAt} /> <code>{commit.commitId.slice(0, 8)}</code>
    </span>
  </button>
);

function CommitPanel({ place, commit }: { place: EntityPlace; commit: Commit }) {
  const { scope, kind, id } = place;
  const { commitId, parentId, what, message, messageCut } = commit;
  const sides = { from: parentId ?? commitId, to: commitId };
  const { data, error } = useResource(`compare ${scope} ${kind} ${id} ${sides.from} ${sides.to}`, () =>
    answer(
      apiOf(scope).GET('/entities/{kind}/{id}/compare', { params: { path: { kind, id }, query: sides } }),
    ),
  );
  return (
    <Panel title={subjectOf(commit)} isFlush ends={<State tone={acts[what].tone}>{acts[what].word}</State>}>
      <div class="inset stack">
        {message.includes('\n') && <p class="small message">{`${message}${messageCut ? ' …' : ''}`}</p>}
        <CommitFacts scope={scope} commit={commit} />
        <ProblemBox error={error} />
      </div>
      {data !== undefined && (
        <LazyDiff
          before={parentId === null ? '' : (data.from.yaml ?? '')}
          after={data.to.yaml ?? ''}
          label={`What ${commitId.slice(0, 8)} changed`}
        />
      )}
    </Panel>
  );
}

function CommitFacts({ scope, commit }: { scope: string; commit: Commit }) {
  const { commitId, author, committer, operationId, pullRequest } = commit;
  return (
    <Facts
      facts={[
        ['Commit', <code key="commit">{commitId}</code>],
        ['Author', `${author.name} <${author.email}>`],
        committer === null ? undefined : ['Committed by', `${committer.name} <${committer.email}>`],
        [
          'Made by',
          operationId === null ? (
            'Somebody else’s push'
          ) : (
            <a key="operation" href={hrefOf(scope, ['operations', operationId])}>
              Operation {operationId.slice(0, 8)}
            </a>
          ),
        ],
        pullRequest?.webUrl == null
          ? undefined
          : ['Pull request', <PullLink key="request" request={pullRequest} />],
      ]}
    />
  );
}
