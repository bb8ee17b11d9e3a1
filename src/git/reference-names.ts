// Which names a reference may have. A host may list others; to Git, and so to us, these are no references.

const FORBIDDEN = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^\/|[/.]$|(?:^|\/)\.|\.lock(?:\/|$)/;

/** Whether git has references of this full name (`git check-ref-format`). */
export function isReferenceName(name: string): boolean {
  return name.includes('/') && !FORBIDDEN.test(name);
}
