import { z } from 'zod';

/** Names scopes, kinds, entities, connectors and secrets. ASCII; `constructor` is as good a name as any. */
export const Identifier = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_$-]{0,127}$/,
    'is not an identifier: a letter or _, then up to 127 letters, digits, _, $ or -',
  )
  .meta({ description: 'Identifier: [A-Za-z_][A-Za-z0-9_$-]{0,127}' });
export type Identifier = z.infer<typeof Identifier>;

/** How one thing names another that may be further out. */
export const OutwardName = z
  .string()
  .regex(
    /^(?:(?:account|org)\.)?[A-Za-z_][A-Za-z0-9_$-]{0,127}$/,
    'is not an identifier, with account. or org. before it or not',
  )
  .meta({
    description:
      'Identifier of the nearest in the scope itself or further out; `org.` and `account.` before it name the very place',
  });
