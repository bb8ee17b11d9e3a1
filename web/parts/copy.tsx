import { useRef, useState } from 'preact/hooks';
import { Button } from './button.js';

const SAID_MS = 1_600;

type Fate = 'copied' | 'selected';

/** A text that is to be pasted elsewhere. */
export function Copyable({ text, label = 'Copy' }: { text: string; label?: string }) {
  const element = useRef<HTMLElement>(null);
  const [fate, setFate] = useState<Fate | undefined>(undefined);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setFate('copied');
      setTimeout(() => setFate(undefined), SAID_MS);
    } catch {
      // A browser gives no clipboard to a page that came by plain HTTP, nor where somebody said no to it.
      if (element.current !== null) getSelection()?.selectAllChildren(element.current);
      setFate('selected');
    }
  };
  return (
    <div class="copyable">
      <code ref={element}>{text}</code>
      <Button look="bare tiny" icon={fate === 'copied' ? 'check' : 'copy'} onPress={() => void copy()}>
        {saidOf(fate) ?? label}
      </Button>
    </div>
  );
}

function saidOf(fate: Fate | undefined): string | undefined {
  if (fate === 'copied') return 'Copied';
  if (fate === undefined) return undefined;
  return /Mac|iP/.test(navigator.userAgent) ? 'Press ⌘C' : 'Press Ctrl+C';
}

/** A long id, short. */
export const Short = ({ id }: { id: string | null | undefined }) =>
  id === null || id === undefined ? <span class="quiet">–</span> : <code title={id}>{id.slice(0, 8)}</code>;
