import { useEffect, useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { lastingOf } from '../data/time.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Icon } from '../parts/icon.js';
import { Facts, Panel } from '../parts/panel.js';
import { ProblemBox } from '../parts/problem.js';

type Check = Schemas['ConnectorCheck'];
type Stage = Check['stages'][number];

const stages = [
  { stage: 'reach', name: 'Reach the host' },
  { stage: 'authenticate', name: 'Authenticate' },
  { stage: 'read', name: 'Read' },
  { stage: 'write', name: 'Write' },
] as const;

/** Tries the very road that a save takes, stage by stage. */
export function CheckPanel({ connector, isAtOnce }: { connector: Connector; isAtOnce: boolean }) {
  const [check, setCheck] = useState<Check | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const begin = (): void => {
    void run(async () => {
      const path = { id: connector.id };
      setCheck(await answer(apiOf(connector.scope).POST('/connectors/{id}/check', { params: { path } })));
    });
  };
  useEffect(() => {
    if (isAtOnce) begin();
  }, []);
  return (
    <Panel
      title="Check"
      ends={
        <Allowed scope={connector.scope} needs="connector.use">
          <Button icon="reload" isBusy={isBusy} onPress={begin}>
            {check === undefined ? 'Check now' : 'Check again'}
          </Button>
        </Allowed>
      }
    >
      <div class="stack">
        <ol class="road">
          {stages.map(({ stage, name }) => (
            <StageStep
              key={stage}
              name={name}
              isBusy={isBusy}
              found={check?.stages.find((one) => one.stage === stage)}
            />
          ))}
        </ol>
        <ProblemBox error={error} />
        {check !== undefined && <Failure stages={check.stages} />}
        {check?.host != null && <Host host={check.host} />}
      </div>
    </Panel>
  );
}

interface StageStepProps {
  name: string;
  isBusy: boolean;
  found: Stage | undefined;
}

function StageStep({ name, isBusy, found }: StageStepProps) {
  const state = stateOf(found, isBusy);
  return (
    <li class={state}>
      <span class="stop">
        <Icon name={signs[state]} size={14} />
      </span>
      <span class="name">
        {name}
        <span class="unseen">: {words[state]}</span>
      </span>
      <span class="note">{found === undefined ? 'Not tried' : lastingOf(found.ms)}</span>
      <span class="when" />
    </li>
  );
}

const signs = { done: 'check', now: 'ring', ahead: 'dot', stopped: 'close' } as const;
const words = { done: 'passed', now: 'being tried', ahead: 'not tried', stopped: 'failed' } as const;

function stateOf(found: Stage | undefined, isBusy: boolean): keyof typeof signs {
  if (isBusy) return 'now';
  if (found === undefined) return 'ahead';
  return found.ok ? 'done' : 'stopped';
}

function Failure({ stages: tried }: { stages: readonly Stage[] }) {
  const failed = tried.find(({ ok }) => !ok);
  if (failed === undefined) return null;
  const { code = 'CHECK_FAILED', detail = '', hint = '', stage } = failed;
  return <ProblemBox error={{ code, detail, hint, title: `It does not get past “${stage}”` }} />;
}

function Host({ host }: { host: NonNullable<Check['host']> }) {
  return (
    <div class="stack-close">
      <h3>What the host can do</h3>
      <Facts
        facts={[
          ['Software', host.agent ?? 'Not said'],
          ['Git protocol', `Version ${host.protocol}`],
          ['Partial fetch', host.filter ? 'Yes: trees without contents' : 'No'],
          ['Single objects', host.wants === 'any' ? 'Any object by its id' : 'Commits alone'],
          host.push === null ? ['Push', 'Not asked'] : ['Thin packs', host.push.thinPacks ? 'Yes' : 'No'],
        ]}
      />
      {host.costs.length > 0 && (
        <ul class="dots small">
          {host.costs.map((cost) => (
            <li key={cost}>{cost}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
