// Another secret in place of one that nobody knows any more: both prove deliveries until the host has the new one.
import { answer, apiOf, type Schemas } from '../data/api.js';
import type { Connector } from '../data/connectors.js';
import { useMay } from '../data/may.js';
import { nameFrom } from '../data/scopes.js';
import { Button } from '../parts/button.js';
import { Confirm, useDialog } from '../parts/dialog.js';
import { Note } from '../parts/problem.js';
import { say } from '../shell/toasts.js';

type Webhook = Schemas['Webhook'];

export interface WebhookSecretsProps {
  connector: Connector;
  webhook: Webhook;
  /** With the value of the new secret. */
  onMade: (webhook: Webhook) => void;
  onChanged: () => void;
}

function useMayMakeSecret(scope: string): boolean {
  const mayDo = useMay(scope);
  return (['connector.manage', 'secret.manage', 'secret.use'] as const).every(mayDo);
}

export function WebhookSecrets({ connector, webhook, onMade, onChanged }: WebhookSecretsProps) {
  const { open, show, close } = useDialog<'make' | 'end'>();
  const mayMake = useMayMakeSecret(connector.scope);
  const mayEnd = useMay(connector.scope)('connector.manage');
  const [first, old] = webhook.secrets;
  if (first === undefined) return null;
  return (
    <>
      {old === undefined
        ? mayMake && (
            <div class="row">
              <Button onPress={() => show('make')}>New secret…</Button>
            </div>
          )
        : mayEnd && (
            <>
              <Note title="Two secrets are good for now">
                {first.secret}, which is the newer one, and {old.secret}. Once the host has the newer one, end
                the other.
              </Note>
              <div class="row">
                <Button onPress={() => show('end')}>End the old secret…</Button>
              </div>
            </>
          )}
      {open === 'make' && (
        <Confirm
          title={`Make a new secret for the webhook of ${connector.id}?`}
          act="Make a new secret"
          isDangerous={false}
          onConfirm={async () => onMade(await renew(connector, webhook))}
          onClose={close}
        >
          <p>
            It is shown once, for the host’s pages. What comes with the old one is taken as well, until you
            end that.
          </p>
        </Confirm>
      )}
      {open === 'end' && old !== undefined && (
        <Confirm
          title={`End ${old.secret}?`}
          act="End the old secret"
          onConfirm={async () => {
            await nameSecrets(connector, [first]);
            say(`Only ${first.secret} proves deliveries now.`);
            onChanged();
          }}
          onClose={close}
        >
          <p>
            A host that still has it is refused from then on.{' '}
            {old.made ? 'It is deleted.' : 'The secret stays where it is, under Secrets.'}
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Why deliveries are refused, and what whoever looks at it can do. */
export function Refusing({ connector: { scope, provider } }: { connector: Connector }) {
  const mayMake = useMayMakeSecret(scope);
  return (
    <Note tone="warn" title="Deliveries without a proof are refused">
      The secret at the host may be another one.{' '}
      {provider !== 'generic' && 'To have it written there again, register the webhook. '}
      {mayMake
        ? 'To give the host another one by hand, make a new secret.'
        : 'Whoever manages secrets here, and may use them, can make a new one for it.'}
    </Note>
  );
}

async function renew(connector: Connector, { secrets, provider }: Webhook): Promise<Webhook> {
  const { scope, id } = connector;
  const api = apiOf(scope);
  const value = makeValue(provider);
  const secret = `webhook-${id.slice(0, NAME_MAX)}-${hexOf(crypto.getRandomValues(new Uint8Array(4)))}`;
  const params = { path: { id: secret } };
  await api.PUT('/secrets/{id}', { params, body: { manager: 'builtin', kind: 'text', value } });
  const made = { scope, secret, made: false };
  const webhook = await nameSecrets(connector, [made, ...secrets.slice(0, 1)]).catch(
    async (error: unknown) => {
      await api.DELETE('/secrets/{id}', { params });
      throw error;
    },
  );
  const { toPaste } = webhook;
  return { ...webhook, toPaste: { ...toPaste, secret: { ...toPaste.secret, value } } };
}

const nameSecrets = ({ scope, id }: Connector, secrets: Webhook['secrets']): Promise<Webhook> =>
  answer(
    apiOf(scope).PUT('/connectors/{id}/webhook', {
      params: { path: { id } },
      body: { secrets: secrets.map((one) => nameFrom(scope, one.scope, one.secret)) },
    }),
  );

/** As the manager names those that it makes. */
const NAME_MAX = 100;
const VALUE_BYTES = 32;

/** In the form that serves every proof of the host. */
function makeValue(provider: Webhook['provider']): string {
  const base64 = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(VALUE_BYTES))));
  if (provider === 'gitlab') return `whsec_${base64}`;
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
