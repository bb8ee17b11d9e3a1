// A fetch that comes again: while nobody answers, and when it is told to come back later. What would happen twice is sent again only
// where a key makes the second time harmless, or where it was certainly not done.
const FIRST_PAUSE_MS = 250;
const PAUSE_MS_MAX = 5_000;

export interface Patience {
  /** For how long it comes again, in ms. */
  patienceMs: number;
}

/** @throws TypeError where nobody answered in all that time; what the request's signal is aborted with */
export function patientFetch({ patienceMs }: Patience): (request: Request) => Promise<Response> {
  return async (request) => {
    const end = Date.now() + patienceMs;
    for (let times = 0; ; times++) {
      const answer = await fetch(request.clone(), { redirect: 'error' }).catch(
        (error: unknown) => error as Error,
      );
      const pause = pauseBefore(request, answer, times);
      if (pause === undefined || Date.now() + pause > end) {
        if (answer instanceof Response) return answer;
        throw answer;
      }
      if (answer instanceof Response) await answer.body?.cancel();
      await rest(pause, request.signal);
    }
  };
}

/** In ms; undefined where it is not sent again. */
function pauseBefore(request: Request, answer: Response | Error, times: number): number | undefined {
  if (request.signal.aborted) return undefined;
  const backoff = Math.min(FIRST_PAUSE_MS * 2 ** times, PAUSE_MS_MAX) * (0.75 + Math.random() / 2);
  if (!(answer instanceof Response)) return isHarmless(request) ? backoff : undefined;
  const { status, headers } = answer;
  if (status !== 429 && status !== 503) return undefined;
  return readRetryAfter(headers.get('retry-after')) ?? (isHarmless(request) ? backoff : undefined);
}

const isHarmless = ({ method, headers }: Request): boolean =>
  ['GET', 'HEAD', 'PUT', 'DELETE'].includes(method) || headers.has('idempotency-key');

/** Seconds, or a date. In ms. */
function readRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, FIRST_PAUSE_MS);
}

/** @throws what the signal is aborted with */
export async function rest(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
