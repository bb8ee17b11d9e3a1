// Whose request caused something, as records name it.

/** A task whose purpose names a longer one is not understood by delegates. */
export const ACTOR_MAX = 256;

/** Enough of a name to leave room for what tells it from others. */
const NAME_MAX = 128;

/** Names of tokens are not unique: the first 8 characters of the id tell them apart. */
export const nameActor = ({ id, name }: { id: string; name: string }): string =>
  `${cut(name, NAME_MAX)} (${id.slice(0, 8)})`;

/** One that was kept when names had no limit. */
export const cutActor = (actor: string): string => cut(actor, ACTOR_MAX);

const cut = (text: string, max: number): string => text.slice(0, max).toWellFormed();
