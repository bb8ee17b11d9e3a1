// The lines of a document between its values, and its text at another indentation.

/** A comment, with what hangs below it. */
export interface Remark {
  /** Its words; names it among the comments. */
  name: string;
  text: string;
  gap: string;
}

/** Whatever may have empty lines after it, which are no part of its value. */
export interface Held {
  text: string;
  /** Those lines. */
  gap: string;
}

const empty = /^\r?\n?$/;

export const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

export const columnOf = (line: string): number => /^ */.exec(line)?.[0].length ?? 0;

const isComment = (line: string): boolean => line.trimStart().startsWith('#');

/** What is neither a comment nor nothing. */
export const isWritten = (line: string): boolean => line.trim() !== '' && !isComment(line);

/**
 * What each of the lines between two keys belongs to. A comment that stands further right than the keys is held by what it stands
 * below, like lines of blanks, either of which may be read as words of a text above them; any other is for the key that follows.
 */
export function shareLines(
  lines: readonly string[],
  indent: number,
  above: Held,
): { held: Held; remarks: Remark[] } {
  const held = { ...above };
  const comments: Held[] = [];
  for (const line of lines) {
    const last = comments.at(-1) ?? held;
    if (isComment(line) && columnOf(line) <= indent) comments.push({ text: line, gap: '' });
    else if (empty.test(line)) last.gap += line;
    else [last.text, last.gap] = [last.text + last.gap + line, ''];
  }
  const nameOf = ({ text }: Held): string => text.trim().replace(/\s+/g, ' ');
  return { held, remarks: comments.map((one) => ({ ...one, name: nameOf(one) })) };
}

export const textOf = (held: readonly Held[]): string => held.map(({ text, gap }) => text + gap).join('');

/** As it is shown: without the columns that all of its lines stand in, and the end of its last. */
export function bareTextOf(text: string): string {
  const lines = text.replace(/\r?\n$/, '').split('\n');
  const columns = lines.filter((line) => line.trim() !== '').map(columnOf);
  const least = Math.min(...columns, text.length);
  return lines.map((line) => shiftLine(line, -least)).join('\n');
}

/** The text where its keys begin at another column. */
export function shift(text: string, columns: number): string {
  if (columns === 0) return text;
  return linesOf(text)
    .map((line) => shiftLine(line, columns))
    .join('');
}

function shiftLine(line: string, columns: number): string {
  if (empty.test(line)) return line;
  return columns > 0 ? `${' '.repeat(columns)}${line}` : line.slice(Math.min(-columns, columnOf(line)));
}
