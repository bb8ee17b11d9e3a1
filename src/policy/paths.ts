import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isGitFolder } from '../git/path-names.js';
import { refuse } from './refuse.js';

/** With the longest branch of the longest URL it has to fit into a page of an index, which is a third of 8,192 bytes. */
const PATH_BYTES_MAX = 1_024;
const COMPONENT_BYTES_MAX = 255;

const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)$/i;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Why a document's file may not have this path; undefined when it may. */
export function pathProblem(path: string): string | undefined {
  if (!path.isWellFormed()) return 'holds half a surrogate pair';
  const bytes = Buffer.byteLength(path);
  if (bytes === 0 || bytes > PATH_BYTES_MAX) return `does not have 1 to ${PATH_BYTES_MAX} bytes`;
  if (CONTROL.test(path)) return 'holds a control character';
  if (path.includes('\\')) return 'holds a backslash';
  if (!/\.ya?ml$/.test(path)) return 'does not end in .yaml or .yml';
  for (const component of path.split('/')) {
    const problem = componentProblem(component);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** By what a path is kept that may be too long for an entity: itself, or its beginning and what tells it from others. */
export function keptPath(path: string): string {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return path;
  const mark = createHash('sha256').update(path).digest('hex').slice(0, 32);
  return `${path.slice(0, 199).toWellFormed()}…${mark}`;
}

function componentProblem(component: string): string | undefined {
  if (component === '') return 'begins or ends with /, or holds //';
  if (Buffer.byteLength(component) > COMPONENT_BYTES_MAX)
    return `has a component of more than ${COMPONENT_BYTES_MAX} bytes`;
  if (component === '.' || component === '..') return 'has a component . or ..';
  if (isGitFolder(component)) return 'has a component that a file system could take for .git';
  if (component.includes(':')) return 'has a component with a colon, which Windows takes for a stream';
  if (/[. ]$/.test(component)) return 'has a component that ends in a dot or a space';
  const stem = (component.split('.')[0] ?? '').trimEnd();
  return DEVICE.test(stem) ? 'has a component that Windows takes for a device' : undefined;
}

/** Where a document lies in the repository. Kept as given, not normalised. */
export const RepositoryPath = z
  .string()
  .superRefine((path, context) => {
    const problem = pathProblem(path);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: `Relative path ending in .yaml or .yml, at most ${PATH_BYTES_MAX} bytes` });
export type RepositoryPath = z.infer<typeof RepositoryPath>;

/** A folder of the repository. */
export const FolderPath = z
  .string()
  .superRefine((path, context) => {
    const problem = pathProblem(`${path}/x.yaml`);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Relative path without a slash at either end' });

export interface PathNames {
  account: string;
  org?: string | undefined;
  project?: string | undefined;
  kind: string;
  id: string;
}

const PLACEHOLDER = /\{([a-z]+)\}/g;
const NAMES = new Set(['account', 'org', 'project', 'kind', 'id']);

/** Where a kind's entities go: `{org}/{project}/pipelines/{id}.yaml`. */
export const PathTemplate = z
  .string()
  .max(1_024, 'is longer than 1024 characters')
  .superRefine((template, context) => {
    const problem = templateProblem(template);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Path with placeholders {account} {org} {project} {kind} {id}; holds {id}' });

function templateProblem(template: string): string | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
  const unknown = names.find((name) => !NAMES.has(name));
  if (unknown !== undefined)
    return `holds {${unknown}}, which is none of {account} {org} {project} {kind} {id}`;
  if (!names.includes('id')) return 'does not hold {id}';
  const example = template.replace(PLACEHOLDER, 'x');
  if (/[{}]/.test(example)) return 'holds a brace that is no placeholder';
  return pathProblem(example);
}

/**
 * The path of an entity. A segment that is only a level the scope does not have is left out.
 * @throws INPUT_REFUSED when the names make a path that is not allowed
 */
export function renderPath(template: string, names: PathNames): RepositoryPath {
  const values = new Map(Object.entries(names));
  const segments = template
    .split('/')
    .map((segment) => segment.replace(PLACEHOLDER, (_, name: string) => values.get(name) ?? ''))
    .filter((segment) => segment !== '');
  const path = segments.join('/');
  const problem = pathProblem(path);
  if (problem !== undefined)
    throw refuse('git.path', `the kind's template makes ${JSON.stringify(path)}, which ${problem}`);
  return path;
}
