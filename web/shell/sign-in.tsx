import { useState } from 'preact/hooks';
import { useAction } from '../data/action.js';
import { useResource } from '../data/resource.js';
import { useRoute } from '../data/route.js';
import { doorOf, readDoors, signIn } from '../data/session.js';
import { Button } from '../parts/button.js';
import { TextField } from '../parts/field.js';
import { ProblemBox } from '../parts/problem.js';
import { Brand } from './brand.js';

export function SignIn() {
  const route = useRoute();
  const [account, setAccount] = useState(route.scope?.split('/')[1] ?? '');
  const { data: doors } = useResource(`doors ${account}`, () => readDoors(account));
  const failed = route.query.get('failed');
  return (
    <main class="sign-in">
      <Brand />
      {failed !== null && <Failed code={failed} reference={route.query.get('reference') ?? ''} />}
      <section class="panel" aria-label="Sign in">
        <TokenForm />
        {(account !== '' || (doors !== undefined && doors.oidc.length > 0)) && (
          <div class="form">
            <TextField label="Account" value={account} onInput={setAccount} isMono />
            {doors?.oidc.map(({ account: of, id, name }) => (
              <Button key={id} look="wide" onPress={() => location.assign(doorOf(id, of))}>
                Sign in with {name}
              </Button>
            ))}
          </div>
        )}
      </section>
      <p class="quiet small">
        <code>npm start</code> says where its admin token is; <code>npm run token</code> makes another. The
        page keeps no token: it signs in once, and a cookie that no script can read stands for it.
      </p>
    </main>
  );
}

/** The browser came back from the identity provider without a session. */
const Failed = ({ code, reference }: { code: string; reference: string }) => (
  <ProblemBox
    error={{
      code,
      title: 'The sign-in did not succeed',
      detail: 'Your identity provider sent you back, and the manager did not take its word.',
      hint: `Try again; whoever runs Sallyport finds the reason in the manager’s log under ${reference}.`,
    }}
  />
);

function TokenForm() {
  const [token, setToken] = useState('');
  const { isBusy, error, run } = useAction();
  const submit = (event: Event): void => {
    event.preventDefault();
    void run(() => signIn(token.trim()));
  };
  return (
    <form onSubmit={submit}>
      <h1>Sign in</h1>
      <TextField
        label="Token"
        type="password"
        value={token}
        onInput={setToken}
        placeholder="sp_…"
        isRequired
        isMono
        hasFocus
      />
      <ProblemBox error={error} />
      <Button type="submit" look="primary wide" isBusy={isBusy} isDisabled={token.trim() === ''}>
        Sign in
      </Button>
    </form>
  );
}
