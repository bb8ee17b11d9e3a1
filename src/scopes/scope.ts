// Where a thing belongs: account › organisation › project, written as in the API.

/** `accounts/a`, `accounts/a/orgs/o` or `accounts/a/orgs/o/projects/p`. */
export type Scope = string;

export interface ScopeNames {
  account: string;
  org?: string | undefined;
  project?: string | undefined;
}

/** { account: 'a', org: 'o' } → 'accounts/a/orgs/o' */
export function scopeOf({ account, org, project }: ScopeNames): Scope {
  const parts = [`accounts/${account}`];
  if (org !== undefined) parts.push(`orgs/${org}`);
  if (project !== undefined) parts.push(`projects/${project}`);
  return parts.join('/');
}

/** 'accounts/a/orgs/o' → { account: 'a', org: 'o', project: undefined } */
export function namesOf(scope: Scope): ScopeNames {
  const [, account = '', , org, , project] = scope.split('/');
  return { account, org, project };
}

/** 'accounts/a/orgs/o' → 'accounts/a' */
export const accountOf = (scope: Scope): Scope => scope.split('/').slice(0, 2).join('/');

/** The scope itself first, then outwards to its account. */
export function outwards(scope: Scope): Scope[] {
  const parent = parentOf(scope);
  return parent === null ? [scope] : [scope, ...outwards(parent)];
}

/** Whether the scope is `outer` or lies in it. */
export const isWithin = (outer: Scope, scope: Scope): boolean =>
  scope === outer || scope.startsWith(`${outer}/`);

/** Whether one of them lies in the other, or they are the same. */
export const areNested = (one: Scope, other: Scope): boolean =>
  outwards(one).includes(other) || outwards(other).includes(one);

/** Where a thing of this name is looked for, the first place first: 'org.x' in 'accounts/a/orgs/o/projects/p' → its org alone. */
export function placesOf(scope: Scope, name: string): { id: string; places: Scope[] } {
  const dot = name.indexOf('.');
  if (dot < 0) return { id: name, places: outwards(scope) };
  const levels = { account: 2, org: 4 };
  const level = levels[name.slice(0, dot) as keyof typeof levels];
  const places = outwards(scope).filter((place) => place.split('/').length === level);
  return { id: name.slice(dot + 1), places };
}

/** 'accounts/a/orgs/o' → 'accounts/a'; an account has no parent. */
export function parentOf(scope: Scope): Scope | null {
  const parts = scope.split('/');
  return parts.length <= 2 ? null : parts.slice(0, -2).join('/');
}
