// Texts that a database keeps. YAML, and any host, may write what PostgreSQL has no text for: a NUL, half a surrogate pair.

/** The same text with something to be seen in the place of each. */
export const storable = (text: string): string => text.replaceAll('\0', '\u2400').toWellFormed();

/** The first characters of a text, none of them halved. */
export function cutText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const isHalved = /[\ud800-\udbff]/.test(text.charAt(charactersMax - 1));
  return text.slice(0, isHalved ? charactersMax - 1 : charactersMax);
}
