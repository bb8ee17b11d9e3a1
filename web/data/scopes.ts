// Names of scopes: `accounts/a/orgs/o/projects/p`.

/** The scope and all that it is within, outermost first. */
export function chainOf(scope: string): string[] {
  const words = scope.split('/');
  return words.flatMap((_, at) => (at % 2 === 1 ? [words.slice(0, at + 1).join('/')] : []));
}

export const accountOf = (scope: string): string => chainOf(scope)[0] ?? scope;

export const nameOf = (scope: string): string => scope.split('/').at(-1) ?? scope;

const LEVELS = ['Account', 'Organisation', 'Project'] as const;

export const levelOf = (scope: string): (typeof LEVELS)[number] =>
  LEVELS[chainOf(scope).length - 1] ?? 'Project';

const PREFIXES = ['account.', 'org.', ''] as const;

/** How what is in the outer scope is named from here. */
export const nameFrom = (scope: string, outer: string, id: string): string =>
  scope === outer ? id : `${PREFIXES[chainOf(outer).length - 1] ?? ''}${id}`;
