export interface EntityPlace {
  scope: string;
  kind: string;
  id: string;
  /** Undefined: where the API finds it. */
  branch: string | undefined;
}
