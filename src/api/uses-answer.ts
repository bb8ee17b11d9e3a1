// Who needs a secret or a secret manager, as it is answered.
import { z } from 'zod';

export const UsesAnswer = z
  .strictObject({
    count: z.int().meta({ description: 'Of all; more than are listed where there are more than `limit`' }),
    uses: z.array(
      z.strictObject({
        what: z.enum([
          'connector',
          'secret',
          'secret-manager',
          'subscription',
          'webhook',
          'identity-provider',
        ]),
        scope: z.string(),
        id: z.string().meta({ description: 'Of a webhook: its connector’s' }),
      }),
    ),
  })
  .meta({ id: 'Uses' });
