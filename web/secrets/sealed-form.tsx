import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { apiOf, type Schemas } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { Button } from '../parts/button.js';
import { CheckField } from '../parts/field.js';
import { Icon } from '../parts/icon.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { fingerprintIn, pin, pinnedFor, putSealed, readSealingKey, type Written } from './put.js';
import type { NearManager } from './secret-managers.js';

export interface SealedFormProps {
  scope: string;
  near: NearManager;
  written: Written;
  /** Before anything is put. @throws what keeps it from that */
  onBegin: () => Promise<void>;
  onDone: () => void;
}

/** Whom the value is sealed to, by the fingerprint that enrolment showed; believed once, and refused when it is another one. */
export function SealedForm(props: SealedFormProps) {
  const { manager } = props.near;
  const { data, error } = useResource(`sealing key ${manager.scope} ${manager.id}`, async () => {
    const key = await readSealingKey(apiOf(manager.scope), manager.id);
    return { key, fingerprint: await fingerprintIn(key) };
  });
  if (data === undefined)
    return error === undefined ? <span class="skeleton" /> : <ProblemBox error={error} />;
  const { key, fingerprint } = data;
  return <Sealing {...props} sealingKey={key} fingerprint={fingerprint} />;
}

interface SealingProps extends SealedFormProps {
  sealingKey: Schemas['SealingKey'];
  fingerprint: string;
}

function Sealing({ scope, near, written, onBegin, onDone, sealingKey, fingerprint }: SealingProps) {
  const known = pinnedFor(sealingKey);
  const [isCompared, setCompared] = useState(known === fingerprint);
  const [waitsFor, setWaitsFor] = useState<string | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const isAnother = known !== null && known !== fingerprint;
  const put = async (): Promise<void> => {
    const isDone = await run(async () => {
      await onBegin();
      await putSealed({
        api: apiOf(scope),
        scope,
        written,
        near,
        key: sealingKey,
        pinned: known ?? fingerprint,
        onPending: setWaitsFor,
      });
      pin(sealingKey, fingerprint);
    });
    setWaitsFor(undefined);
    if (isDone) onDone();
  };
  return (
    <>
      <div class="fingerprint">
        <Icon name="lock" />
        <div>
          <p>
            Sealed to the delegate group <strong>{sealingKey.groupName}</strong>
          </p>
          <code>{fingerprint}</code>
        </div>
      </div>
      {isAnother ? (
        <Note tone="warn" icon="alert" title="This is not the group that this browser knows">
          It was <code>{known}</code> before. Nothing is sealed to it: ask whoever runs the delegates first.
        </Note>
      ) : (
        <CheckField
          label="The fingerprint is the one that enrolment showed"
          note={
            known === null
              ? 'This browser remembers it from then on, and seals to no other.'
              : 'It is the one that this browser knows.'
          }
          isChecked={isCompared}
          onChange={setCompared}
        />
      )}
      {waitsFor !== undefined && (
        <Note icon="clock" title="Sealed, and not yet in keeping">
          It waits for {waitsFor}.
        </Note>
      )}
      <ProblemBox error={error} />
      <div class="row">
        <Button
          look="primary"
          icon="lock"
          isBusy={isBusy}
          isDisabled={!isCompared || isAnother || written.id === '' || written.value === ''}
          onPress={() => void put()}
        >
          Seal and put
        </Button>
      </div>
    </>
  );
}
