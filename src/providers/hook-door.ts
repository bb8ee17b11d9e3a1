// Whether a webhook calls the same door as another one. Where the manager is reached may change; the end of the path is the
// connector’s own, and nobody guesses it.

/** As long as no name that somebody chose. */
const OWN_ADDRESS = /\/webhooks\/[\w-]{40,}$/;

/** 'https://old.example/webhooks/R4nd0m…' and 'https://new.example/in/webhooks/R4nd0m…' → true; any others, where they are the same. */
export function callsDoorOf(url: string): (other: string | null | undefined) => boolean {
  const door = doorOf(url);
  return (other) => other != null && (other === url || (door !== undefined && doorOf(other) === door));
}

/** '…/webhooks/R4nd0m…' → '/webhooks/R4nd0m…' */
function doorOf(url: string): string | undefined {
  const at = URL.parse(url);
  if (at === null || at.search !== '' || at.hash !== '') return undefined;
  return OWN_ADDRESS.exec(at.pathname)?.[0];
}
