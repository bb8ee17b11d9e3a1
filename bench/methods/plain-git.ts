// git itself, without a library around it: a bare repository, one `fast-import` for all commits and one push.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type FileText, identity, MESSAGE, type Method, type Place } from './method.js';

const REF = 'refs/heads/main';

export function plainGit(): Method {
  const save = async (place: Place, files: FileText[]): Promise<string> => {
    const child = run(place, ['fast-import', '--quiet']);
    child.child.stdin?.end(describeCommits(files, await headOf(place)));
    await child;
    await run(place, ['push', '--quiet', 'origin', `${REF}:${REF}`]);
    return headOf(place);
  };
  return {
    prepare: async (place) => {
      await run(place, ['clone', '--quiet', '--bare', '--depth=1', '--filter=blob:none', place.url, '.']);
    },
    save: (place, file) => save(place, [file]),
    saveMany: async (place, files, note) => {
      const last = await save(place, files);
      note(files.length);
      return last;
    },
  };
}

function run({ folder }: Place, args: string[]) {
  return promisify(execFile)('git', args, { cwd: folder, encoding: 'utf8' });
}

async function headOf(place: Place): Promise<string> {
  return (await run(place, ['rev-parse', REF])).stdout.trim();
}

function describeCommits(files: FileText[], base: string): string {
  const seconds = Math.floor(Date.now() / 1_000);
  return files
    .map(({ path, content }, at) =>
      [
        `commit ${REF}`,
        `committer ${identity.name} <${identity.email}> ${seconds} +0000`,
        `data ${MESSAGE.length}\n${MESSAGE}${at === 0 ? `from ${base}\n` : ''}M 100644 inline ${path}`,
        `data ${Buffer.byteLength(content)}\n${content}\n`,
      ].join('\n'),
    )
    .join('');
}
