// What was typed and not saved, by the place it belongs to: whoever goes elsewhere in the page finds it there again.

export interface Draft<Base> {
  /** What it was begun with. */
  base: Base;
  text: string;
  /** What of it is on its way, and the operation that has it. */
  sent?: { operation: string; text: string } | undefined;
}

const drafts = new Map<string, Draft<unknown>>();

/** The one who keeps it under this name says what it was begun with. */
export const draftOf = <Base>(name: string): Draft<Base> | undefined =>
  drafts.get(name) as Draft<Base> | undefined;

/** Undefined: nothing is left to be saved. */
export function keepDraft<Base>(name: string, draft: Draft<Base> | undefined): void {
  if (draft === undefined) drafts.delete(name);
  else drafts.set(name, draft);
}

/** What says just this, under a name that begins so, has come to where it was to go. */
export function settleDrafts(beginning: string, text: string): void {
  for (const [name, draft] of drafts)
    if (name.startsWith(beginning) && draft.text === text) drafts.delete(name);
}

/** Whoever signs in next is somebody else. */
export const forgetDrafts = (): void => drafts.clear();

/** The browser asks before what was typed is lost. */
export function beginLeaveWarning(): void {
  addEventListener('beforeunload', (event) => {
    if (drafts.size > 0) event.preventDefault();
  });
}
