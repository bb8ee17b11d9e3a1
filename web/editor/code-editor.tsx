import { useEffect, useRef, useState } from 'preact/hooks';
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
  useEffect(() => {
    let handle: EditorHandle | undefined;
    let isGone = false;
    const open = async (): Promise<void> => {
      const { openEditor } = await import('./code-mirror.js');
      if (isGone || host.current === null) return;
      const onChange = (next: string): void => latest.current.onChange?.(next);
      handle = openEditor({ host: host.current, text: latest.current.text, label, isReadOnly, onChange });
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
    </div>
  );
}
