import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { Button } from './button.js';
import { ProblemBox } from './problem.js';

export interface DialogProps {
  title: string;
  isBroad?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}

/** The browser’s own: it keeps the focus within, and Escape closes it. */
export function Dialog({ title, isBroad = false, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} class={isBroad ? 'broad' : ''} aria-labelledby={id} onClose={onClose}>
      <div class="form">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  /** What the button says: the act and its object. */
  act: string;
  isDangerous?: boolean;
  /** What the button says that leaves all as it is. */
  leave?: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Asks once. */
export function Confirm({
  title,
  children,
  act,
  isDangerous = true,
  leave = 'Cancel',
  onConfirm,
  onClose,
}: ConfirmProps) {
  const { isBusy, error, run } = useAction();
  const confirm = async (): Promise<void> => {
    if (await run(onConfirm)) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack-close small">{children}</div>
      <ProblemBox error={error} />
      <div class="ends">
        <Button onPress={onClose}>{leave}</Button>
        <Button
          look={`primary ${isDangerous ? 'danger' : ''}`}
          isBusy={isBusy}
          onPress={() => void confirm()}
        >
          {act}
        </Button>
      </div>
    </Dialog>
  );
}

/** At most one of a screen’s dialogs is open. */
export function useDialog<T extends string>(): {
  open: T | undefined;
  show: (which: T) => void;
  close: () => void;
} {
  const [open, setOpen] = useState<T | undefined>(undefined);
  return { open, show: setOpen, close: () => setOpen(undefined) };
}
