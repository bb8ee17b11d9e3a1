import { useState } from 'preact/hooks';
import { type Head, readHead } from '../../src/trail/link.js';
import type { Verdict } from '../../src/trail/verifier.js';
import { useAction } from '../data/action.js';
import { answer, apiOf } from '../data/api.js';
import { useResource } from '../data/resource.js';
import { accountOf, nameOf } from '../data/scopes.js';
import { Button } from '../parts/button.js';
import { Copyable } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { TextField } from '../parts/field.js';
import { More } from '../parts/more.js';
import { Facts } from '../parts/panel.js';
import { Note, ProblemBox } from '../parts/problem.js';
import { canVerify, sentenceOf, verifyExport } from './verify-trail.js';

/** Verified here, and exported for where nobody of this manager can say how it went. */
export function VerifyDialog({ scope, onClose }: { scope: string; onClose: () => void }) {
  const account = accountOf(scope);
  const { data, error } = useResource(`audit head ${account}`, () =>
    answer(apiOf(account).GET('/audit/head')),
  );
  const { isBusy, error: refused, run } = useAction();
  const save = (): void => {
    void run(async () =>
      download(
        await answer(apiOf(account).GET('/audit/export', { parseAs: 'blob' })),
        `audit-${nameOf(account)}.jsonl`,
      ),
    );
  };
  return (
    <Dialog title="Export and verify" onClose={onClose}>
      <p class="small">
        Each entry of {nameOf(account)}, in every scope of it, holds the hash of the one before. Whoever keeps
        the last hash elsewhere finds any edit, deletion, reordering or cut of what came before it.
      </p>
      {data !== undefined && (
        <Facts
          facts={[
            ['Entries', data.position],
            ['Last hash', <code key="hash">{data.hash}</code>],
          ]}
        />
      )}
      <Here account={account} head={data} />
      <More title="Without trusting this page">
        <p class="small quiet">
          The manager serves what verifies here. The command line verifies the export, or asks for it itself.
        </p>
        <Copyable text={`sallyport audit verify --head ${data?.position ?? 0}:${data?.hash ?? ''}`} />
      </More>
      <ProblemBox error={error ?? refused} />
      <div class="ends">
        <Button onPress={onClose}>Close</Button>
        <Button isBusy={isBusy} onPress={save}>
          Export as JSON lines
        </Button>
      </div>
    </Dialog>
  );
}

interface HereProps {
  account: string;
  /** Where the manager says that the trail ends. */
  head: Head | undefined;
}

function Here({ account, head }: HereProps) {
  const [kept, setKept] = useState('');
  const [count, setCount] = useState(0);
  const [verdict, setVerdict] = useState<Verdict | undefined>(undefined);
  const { isBusy, error, run } = useAction();
  const seen = readHead(kept.trim());
  const isWrong = kept.trim() !== '' && seen === undefined;
  const verify = (event: Event): void => {
    event.preventDefault();
    setVerdict(undefined);
    setCount(0);
    void run(async () => {
      const bytes = (await answer(apiOf(account).GET('/audit/export', { parseAs: 'stream' }))) as never;
      const witnesses = [head, seen].filter((one): one is Head => one !== undefined);
      setVerdict(await verifyExport({ bytes, account, witnesses, onEntries: setCount }));
    });
  };
  if (!canVerify())
    return (
      <Note tone="warn" title="This browser verifies over HTTPS alone">
        It computes no hashes for a page that came by plain HTTP. Take the command below.
      </Note>
    );
  return (
    <form class="stack-close" onSubmit={verify}>
      <TextField
        label="An end that you kept"
        value={kept}
        onInput={setKept}
        placeholder="412:9f86d081…"
        note="POSITION:HASH. Without one it shows whether the entries hang together, not whether all of them were made anew."
        wrong={isWrong ? 'It is not POSITION:HASH, with 64 hexadecimal digits' : undefined}
        isMono
      />
      <div class="row">
        <Button type="submit" look="primary" isBusy={isBusy} isDisabled={isWrong || head === undefined}>
          Verify here
        </Button>
        {isBusy && <span class="quiet small">{count} entries so far</span>}
      </div>
      <ProblemBox error={error} />
      {verdict !== undefined && <Outcome verdict={verdict} />}
    </form>
  );
}

const SHOWN_MAX = 10;

function Outcome({ verdict }: { verdict: Verdict }) {
  const { findings, count, head } = verdict;
  return (
    <div class="stack-close" role="status">
      <Note
        tone={count === 0 ? 'calm' : 'warn'}
        icon={count === 0 ? 'check' : 'alert'}
        title={sentenceOf(verdict)}
      >
        {count === 0 ? 'Keep where it ends, elsewhere:' : 'The first of them:'}
      </Note>
      {count === 0 ? (
        <Copyable text={`${head.position}:${head.hash}`} />
      ) : (
        <ul class="dots small">
          {findings.slice(0, SHOWN_MAX).map(({ kind, position, line, problem }) => (
            <li key={`${kind} ${position} ${line}`}>
              {position === null ? `Line ${line}` : `Entry ${position}`}: {problem}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function download(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
