// What is true of all pages and files: links lead somewhere, and nothing tells of the machine it was made on.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles, plain, readText, root, tableRows } from './pages.js';

const pages = listFiles('.').filter((file) => file.endsWith('.md'));

describe('links between pages', () => {
  const links = pages.flatMap((page) =>
    [...withoutCode(readText(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => ({ page, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );

  it('are there', () => {
    expect(pages).toContain('README.md');
    expect(links.length).toBeGreaterThan(80);
  });

  it('lead to files and headings that exist', () => {
    const broken = links.filter(({ page, target }) => {
      const [file = '', heading] = target.split('#');
      const at = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
      if (!fs.existsSync(path.join(root, at))) return true;
      return heading !== undefined && !headingsOf(at).includes(heading);
    });
    expect(broken).toEqual([]);
  });
});

/** Without blocks of code, and with the words of inline code blanked. */
function withoutCode(text: string): string {
  return text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '``');
}

/** '## Who may import whom' → 'who-may-import-whom' */
function headingsOf(page: string): string[] {
  return [...readText(page).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('files', () => {
  const texts = listFiles('.').filter((file) => !/(^|\/)(package-lock\.json|LICENSE)$/.test(file));

  it('name no place of a machine', () => {
    const place = /(?<![\w.:@-])\/(?:work|home|root|Users|mnt)\/[\w.-]/;
    expect(texts.filter((file) => place.test(readText(file)))).toEqual([]);
  });

  it('name no registry', () => {
    const registry = /registry\.(?:npmjs|yarnpkg)\.|\bresolved":/;
    expect([...texts, 'package-lock.json'].filter((file) => registry.test(readText(file)))).toEqual([]);
  });
});

describe('decisions', () => {
  const files = fs.readdirSync(path.join(root, 'docs/adr')).filter((file) => file !== 'README.md');

  it('are numbered without a gap and listed in order, under their titles', () => {
    const listed = files.toSorted().map((file, index) => {
      const number = String(index + 1).padStart(4, '0');
      const title = new RegExp(`^# ${number}: (.+)\\n`).exec(readText(`docs/adr/${file}`))?.[1];
      return `- [${number}: ${title}](${number}-${file.slice(5)})`;
    });
    expect(readText('docs/adr/README.md').trim().split('\n').slice(2)).toEqual(listed);
  });

  it.each(files)('%s says context, decision, consequences, and what would change it', (file) => {
    const headings = [...readText(`docs/adr/${file}`).matchAll(/^## (.+)$/gm)].map(([, text]) => text);
    expect(headings).toEqual(['Context', 'Decision', 'Consequences', 'What would make us change it']);
  });
});

it('the glossary has one word per thing, in order', () => {
  const words = tableRows(readText('docs/glossary.md')).map(({ cells }) => plain(cells[0]));
  expect(words).toEqual([...new Set(words)].toSorted((a, b) => (a < b ? -1 : 1)));
});

it('the version is the same wherever it stands', () => {
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  const stated = [
    /^export const version = '(.+)';$/m.exec(readText('src/config/version.ts'))?.[1],
    /^## (\S+) –/m.exec(readText('CHANGELOG.md'))?.[1],
  ];
  expect(stated).toEqual(stated.map(() => version));
});
