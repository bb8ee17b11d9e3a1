import { z } from 'zod';

const BYTES_MAX = 250;

/** Why Git would not take this as a branch's name (git check-ref-format --branch); undefined when it would. */
export function branchProblem(name: string): string | undefined {
  if (name === '' || Buffer.byteLength(name) > BYTES_MAX) return `does not have 1 to ${BYTES_MAX} bytes`;
  if (!name.isWellFormed()) return 'holds half a surrogate pair';
  if (name === 'HEAD' || name === '@') return 'is a name Git keeps for itself';
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(name)) return 'looks like an object id';
  if (name.startsWith('-')) return 'begins with -';
  if (/[\x00-\x20\x7f~^:?*[\\]/.test(name))
    return 'holds a space, a control character or one of ~ ^ : ? * [ \\';
  if (name.includes('..') || name.includes('@{')) return 'holds .. or @{';
  if (name.endsWith('.')) return 'ends in a dot';
  const components = name.split('/');
  if (components.some((part) => part === '')) return 'begins or ends with /, or holds //';
  if (components.some((part) => part.startsWith('.') || part.endsWith('.lock')))
    return 'has a component that begins with a dot or ends in .lock';
  return undefined;
}

/** A branch without `refs/heads/`. */
export const BranchName = z
  .string()
  .superRefine((name, context) => {
    const problem = branchProblem(name);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .meta({ description: 'Branch name, as git check-ref-format --branch takes it, at most 250 bytes' });
export type BranchName = z.infer<typeof BranchName>;
