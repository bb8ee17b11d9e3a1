// What somebody does: whether it goes on, and why it was refused.
import { useState } from 'preact/hooks';
import { noteRefusal } from './api.js';

export interface Action {
  isBusy: boolean;
  /** Why it was refused; undefined while it goes on, and after it went well. */
  error: unknown;
  /** @returns whether it went well */
  run: (work: () => Promise<void>) => Promise<boolean>;
  forget: () => void;
}

export function useAction(): Action {
  const [state, setState] = useState<{ isBusy: boolean; error: unknown }>({
    isBusy: false,
    error: undefined,
  });
  const run = async (work: () => Promise<void>): Promise<boolean> => {
    setState({ isBusy: true, error: undefined });
    try {
      await work();
      setState({ isBusy: false, error: undefined });
      return true;
    } catch (error) {
      noteRefusal(error);
      setState({ isBusy: false, error });
      return false;
    }
  };
  return { ...state, run, forget: () => setState({ isBusy: false, error: undefined }) };
}
