// A planned chain as a stream for `git fast-import`: one process makes all its objects, byte for byte as planned.
import type { CommitId, Path, Person } from '../../src/git/git.js';
import { BUILT_REF } from './argv.js';
import type { Edit, PlannedStep } from './plan-chain.js';

/** The steps that change something, on `base`. git prints the id of each commit on a line of its own. */
export function writeImportStream(base: CommitId | null, steps: PlannedStep[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, { step, edits }] of steps.entries()) {
    const mark = index + 1;
    const from = index === 0 && base !== null ? `from ${base}\n` : '';
    parts.push(
      text(`commit ${BUILT_REF}\nmark :${mark}\n`),
      text(
        `author ${sign(step.author, step.timestamp)}\ncommitter ${sign(step.committer, step.timestamp)}\n`,
      ),
      data(Buffer.from(step.message)),
      text(from),
      ...edits.flatMap(describeEdit),
      text(`\nget-mark :${mark}\n`),
    );
  }
  return Buffer.concat([...parts, text('done\n')]);
}

/** { path: 'a b', file } → M 100644 inline "a b"; a deletion → D "a b" */
function describeEdit({ path, file }: Edit): Buffer[] {
  if (file === null) return [text(`D ${quotePath(path)}\n`)];
  return [text(`M ${file.mode} inline ${quotePath(path)}\n`), data(file.content)];
}

/** As git quotes in C style: 'a"b\u0007' → "a\"b\007" */
function quotePath(path: Path): string {
  const quoted = path.replace(/["\\\u0000-\u001f\u007f]/g, (character) => {
    const isPrintable = character === '"' || character === '\\';
    return `\\${isPrintable ? character : character.charCodeAt(0).toString(8).padStart(3, '0')}`;
  });
  return `"${quoted}"`;
}

function sign({ name, email }: Person, timestamp: number): string {
  return `${name} <${email}> ${timestamp} +0000`;
}

function data(content: Uint8Array): Buffer {
  return Buffer.concat([text(`data ${content.byteLength}\n`), content, text('\n')]);
}

function text(line: string): Buffer {
  return Buffer.from(line, 'utf8');
}
