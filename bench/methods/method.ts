// What every way of working with a repository has to offer to be measured.

export type OperationName = 'save' | 'read' | 'refresh' | 'save100';

export interface FileText {
  path: string;
  content: string;
}

/** One repository as a method sees it. A cold method is given a new one for every operation. */
export interface Place {
  url: string;
  /** An empty folder, for methods that need one. */
  folder: string;
}

/** The answer of every operation is checked against the server's disk afterwards, outside of the clock. */
export interface Method {
  /** Makes what a warm method keeps. Not on the clock. */
  prepare?: (place: Place) => Promise<void>;
  /** Puts one file on the branch. Answers the commit. */
  save: (place: Place, file: FileText) => Promise<string>;
  /** The file at the head of the branch, wherever that is. */
  read?: (place: Place, path: string) => Promise<string>;
  /** Brings what changed since the last look, with content. */
  refresh?: (place: Place) => Promise<FileText[]>;
  /**
   * Puts many waiting saves on the branch, each its own commit, in order, as users of the method would. Answers the last
   * commit. `note` throws when the time is up.
   */
  saveMany?: (place: Place, files: FileText[], note: (done: number) => void) => Promise<string>;
  /** The same with one push for all, where that is not what `saveMany` does. */
  saveAtOnce?: (place: Place, files: FileText[]) => Promise<string>;
}

export const identity = { name: 'Bench', email: 'bench@sallyport.invalid' };
export const MESSAGE = 'Save one file\n';
