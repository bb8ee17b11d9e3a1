import { useState } from 'preact/hooks';
import { Button } from './button.js';

const SAID_MS = 1_600;

/** A text that is to be pasted elsewhere. */
export function Copyable({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SAID_MS);
  };
  return (
    <div class="copyable">
      <code>{text}</code>
      <Button look="bare tiny" icon={isCopied ? 'check' : 'copy'} onPress={() => void copy()}>
        {isCopied ? 'Copied' : label}
      </Button>
    </div>
  );
}

/** A long id, short. */
export const Short = ({ id }: { id: string | null | undefined }) =>
  id === null || id === undefined ? <span class="quiet">–</span> : <code title={id}>{id.slice(0, 8)}</code>;
