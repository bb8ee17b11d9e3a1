// The page as a whole: who is signed in, where one is, and the screen of that place.
import { useEffect, useRef, useState } from 'preact/hooks';
import { follow } from '../data/live.js';
import { goOn, hrefOf, type Route, useRoute } from '../data/route.js';
import { nameOf } from '../data/scopes.js';
import { type Me, openSession, session } from '../data/session.js';
import { useStore } from '../data/store.js';
import { Button, LinkButton } from '../parts/button.js';
import { Empty } from '../parts/empty.js';
import { ProblemBox } from '../parts/problem.js';
import { Boundary } from './boundary.js';
import { screens } from './screens.js';
import { Side, type SideProps } from './side.js';
import { SignIn } from './sign-in.js';
import { Toasts } from './toasts.js';

export function App() {
  const me = useStore(session);
  const [error, setError] = useState<unknown>(undefined);
  const open = (): void => {
    setError(undefined);
    openSession().catch(setError);
  };
  useEffect(open, []);
  if (error !== undefined)
    return (
      <main class="sign-in">
        <ProblemBox error={error} />
        <Button icon="reload" onPress={open}>
          Try again
        </Button>
      </main>
    );
  if (me === undefined)
    return (
      <main class="opening" aria-busy="true">
        <span class="spinner" />
        <span class="unseen">Opening</span>
      </main>
    );
  return me === null ? <SignIn /> : <Signed me={me} />;
}

function Signed({ me }: { me: Me }) {
  const route = useRoute();
  const scope = route.scope ?? homeOf(me);
  const name = (route.scope === null ? undefined : route.path[0]) ?? 'entities';
  useEffect(() => {
    if (route.scope === null || route.path.length === 0) goOn(hrefOf(scope, [name]));
  }, [route.scope, route.path.length, scope, name]);
  useEffect(() => {
    const stop = new AbortController();
    void follow(scope, stop.signal);
    return () => stop.abort();
  }, [scope]);
  return (
    <div class="shell">
      <Side me={me} scope={scope} current={name} />
      <Top me={me} scope={scope} current={name} />
      <Main scope={scope} name={name} route={route} />
      <Toasts />
    </div>
  );
}

function Main({ scope, name, route }: { scope: string; name: string; route: Route }) {
  const element = useRef<HTMLElement>(null);
  const place = [scope, ...route.path].join('/');
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    // As a new page would: at its top, with the focus at its begin.
    element.current?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }, [place]);
  const screen = screens.find((one) => one.name === name);
  return (
    <main ref={element} tabIndex={-1}>
      {screen === undefined ? (
        <Nowhere scope={scope} name={name} />
      ) : (
        <Boundary key={place}>
          <screen.Show scope={scope} path={route.path.slice(1)} route={route} />
        </Boundary>
      )}
    </main>
  );
}

const Nowhere = ({ scope, name }: { scope: string; name: string }) => (
  <Empty
    icon="search"
    title={`There is no screen “${name}”`}
    action={<LinkButton href={hrefOf(scope, ['entities'])}>Go to the entities</LinkButton>}
  >
    The address may have been cut short, or belongs to another version of Sallyport.
  </Empty>
);

function Top(props: SideProps) {
  const [isOpen, setOpen] = useState(false);
  const { scope, current } = props;
  return (
    <div class="top">
      <Button look="bare" icon="menu" label="Menu" onPress={() => setOpen(true)} />
      <span class="where">
        {nameOf(scope)} · {screens.find(({ name }) => name === current)?.title}
      </span>
      {isOpen && <Drawer {...props} onClose={() => setOpen(false)} />}
    </div>
  );
}

function Drawer({ onClose, ...props }: SideProps & { onClose: () => void }) {
  const drawer = useRef<HTMLDialogElement>(null);
  useEffect(() => drawer.current?.showModal(), []);
  const close = (event: Event): void => {
    const target = event.target as Element;
    if (target === drawer.current || target.closest('a') !== null) onClose();
  };
  return (
    <dialog ref={drawer} class="drawer" aria-label="Menu" onClick={close} onClose={onClose}>
      <Side {...props} />
    </dialog>
  );
}

/** Where somebody begins: the first scope that a role was given in, else the account. */
const homeOf = ({ account, bindings }: Me): string => bindings[0]?.scope ?? `accounts/${account}`;
