import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from '../parts/button.js';
import type { EditorHandle } from './code-mirror.js';
import type { LineProblem } from './line-problems.js';

export interface CodeEditorProps {
  label: string;
  text: string;
  onChange?: (text: string) => void;
  problems?: readonly LineProblem[];
  isReadOnly?: boolean;
}

const NONE: readonly LineProblem[] = [];

/** The text itself stands in its place until the editor has come, in the same lines. */
export function CodeEditor({ label, text, onChange, problems = NONE, isReadOnly = false }: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef({ text, onChange });
  latest.current = { text, onChange };
  const [editor, setEditor] = useState<EditorHandle | undefined>(undefined);
  const [marked, setMarked] = useState<readonly LineProblem[]>(NONE);
  useEffect(() => {
    let handle: EditorHandle | undefined;
    let isGone = false;
    const open = async (): Promise<void> => {
      const { openEditor } = await import('./code-mirror.js');
      if (isGone || host.current === null) return;
      const onChange = (next: string): void => latest.current.onChange?.(next);
      handle = openEditor({
        host: host.current,
        text: latest.current.text,
        label,
        isReadOnly,
        onChange,
        onMarked: setMarked,
      });
      setEditor(handle);
    };
    void open();
    return () => {
      isGone = true;
      handle?.destroy();
    };
  }, []);
  useEffect(() => editor?.setText(text), [editor, text]);
  useEffect(() => {
    if (problems !== NONE) editor?.setProblems(problems);
  }, [editor, problems]);
  useEffect(() => editor?.setReadOnly(isReadOnly), [editor, isReadOnly]);
  return (
    <div class="editor">
      {editor === undefined && <pre class="document">{text}</pre>}
      <div ref={host} class={editor === undefined ? 'unseen' : ''} data-editor={label} />
      <Marked label={label} problems={marked} onChoose={(one) => editor?.goTo(one)} />
    </div>
  );
}

interface MarkedProps {
  label: string;
  problems: readonly LineProblem[];
  onChoose: (problem: LineProblem) => void;
}

const SHOWN = 5;

/** In words what is marked in the text, for whoever cannot point at it. */
const Marked = ({ label, problems, onChoose }: MarkedProps) => (
  <div role="status" aria-label={`Problems of ${label}`}>
    {problems.length > 0 && (
      <ul class="marked small">
        {problems.slice(0, SHOWN).map((one) => (
          <li key={`${one.line} ${one.column} ${one.message}`}>
            <Button look="tiny" onPress={() => onChoose(one)}>
              Line {one.line}, column {one.column}
            </Button>{' '}
            {one.message}
          </li>
        ))}
        {problems.length > SHOWN && <li>and {problems.length - SHOWN} more</li>}
      </ul>
    )}
  </div>
);
