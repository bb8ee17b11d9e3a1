// Documents that were read, by their blobs: what a change was begun with may be wanted once it is nowhere else any more.
const KEPT_MAX = 100;
const texts = new Map<string, string>();

export function rememberText(blobId: string, text: string): void {
  texts.delete(blobId);
  texts.set(blobId, text);
  const oldest = texts.keys().next().value;
  if (texts.size > KEPT_MAX && oldest !== undefined) texts.delete(oldest);
}

export const rememberedText = (blobId: string | null): string | null =>
  blobId === null ? null : (texts.get(blobId) ?? null);
