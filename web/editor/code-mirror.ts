// CodeMirror for YAML, loaded once somebody opens an editor. It lives in a shadow tree: there it brings its styles as constructed
// sheets, which the page’s content policy allows, where a style element would be refused.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { LineProblem } from './line-problems.js';
import { yamlProblemsOf } from './yaml-problems.js';

export interface EditorHandle {
  setText: (text: string) => void;
  setProblems: (problems: readonly LineProblem[]) => void;
  setReadOnly: (isReadOnly: boolean) => void;
  /** To where it stands, to be mended. */
  goTo: (problem: LineProblem) => void;
  destroy: () => void;
}

export interface EditorOptions {
  host: HTMLElement;
  text: string;
  label: string;
  isReadOnly: boolean;
  onChange: (text: string) => void;
  /** Told of what is marked, whenever that is looked for. */
  onMarked: (problems: readonly LineProblem[]) => void;
}

const CHECK_MS = 250;

export function openEditor({ host, text, label, isReadOnly, ...on }: EditorOptions): EditorHandle {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const writable = new Compartment();
  let told: readonly LineProblem[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        manners,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        writable.of(lockOf(isReadOnly)),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          told = [];
          on.onChange(update.state.doc.toString());
          clearTimeout(timer);
          timer = setTimeout(mark, CHECK_MS);
        }),
      ],
    }),
  });
  const mark = (): void => {
    // What is no YAML at all is seen while it is typed; what breaks the kind’s schema the manager says.
    const problems = told.length > 0 ? told : yamlProblemsOf(view.state.doc.toString());
    view.dispatch(
      setDiagnostics(
        view.state,
        problems.map((one) => toDiagnostic(view.state, one)),
      ),
    );
    on.onMarked(problems);
  };
  const select = (problem: LineProblem): void =>
    view.dispatch({ selection: { anchor: placeOf(view.state, problem) }, scrollIntoView: true });
  mark();
  return {
    setText: (next) => {
      if (next === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    setProblems: (problems) => {
      told = problems;
      mark();
      const first = problems[0];
      if (first !== undefined) select(first);
    },
    goTo: (problem) => {
      select(problem);
      view.focus();
    },
    setReadOnly: (isLocked) => view.dispatch({ effects: writable.reconfigure(lockOf(isLocked)) }),
    destroy: () => {
      clearTimeout(timer);
      view.destroy();
    },
  };
}

const lockOf = (isReadOnly: boolean): Extension => [
  EditorState.readOnly.of(isReadOnly),
  EditorView.editable.of(!isReadOnly),
];

function placeOf(state: EditorState, { line, column }: LineProblem): number {
  const found = state.doc.line(Math.min(Math.max(line, 1), state.doc.lines));
  return Math.min(found.from + column - 1, found.to);
}

function toDiagnostic(state: EditorState, problem: LineProblem): Diagnostic {
  const from = placeOf(state, problem);
  const { to } = state.doc.lineAt(from);
  return { from, to: Math.max(from, to), severity: 'error', message: problem.message };
}

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--code-key)' },
  { tag: [tags.string, tags.content], color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-value)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--code-comment)', fontStyle: 'italic' },
  {
    tag: [tags.separator, tags.punctuation, tags.meta, tags.squareBracket, tags.brace],
    color: 'var(--ink-3)',
  },
  { tag: [tags.labelName, tags.typeName, tags.keyword], color: 'var(--code-anchor)' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'var(--surface)', fontSize: 'var(--text-mono)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px', borderRadius: 'inherit' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', minHeight: '16rem' },
  '.cm-content': { padding: '0.75rem 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 1rem 0 0.5rem' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 0.5rem 0 1rem', minWidth: '2.5rem' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 22%, transparent)',
  },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: 'var(--round)',
    backgroundColor: 'var(--raised)',
    boxShadow: 'var(--shadow-l)',
    color: 'var(--ink)',
    fontFamily: 'var(--sans)',
  },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--bad)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad) 1px',
    textUnderlineOffset: '0.2em',
  },
  '.cm-gutter-lint': { width: '0.9rem' },
  // In place of pictures of the package, which are data: URLs.
  '.cm-lint-marker': { width: '0.5rem', height: '0.5rem', borderRadius: '50%' },
  '.cm-lint-marker-error': { content: 'none', backgroundColor: 'var(--bad)' },
});

/** What replaces a selection is put in its place here: the browser would keep the selection’s colours, as inline styles. */
const replacing = EditorView.domEventHandlers({
  beforeinput: ({ inputType, data, isComposing }, view) => {
    const { readOnly, selection } = view.state;
    if (inputType !== 'insertText' || data === null || isComposing || readOnly || selection.main.empty)
      return false;
    view.dispatch({ ...view.state.replaceSelection(data), userEvent: 'input.type', scrollIntoView: true });
    return true;
  },
});

const manners: Extension = [
  replacing,
  lineNumbers(),
  lintGutter(),
  history(),
  drawSelection(),
  bracketMatching(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  indentUnit.of('  '),
  EditorView.lineWrapping,
  yaml(),
  syntaxHighlighting(colours),
  look,
  keymap.of([...defaultKeymap, ...historyKeymap]),
];
