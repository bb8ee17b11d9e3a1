import { Failure } from './failure.js';

/** Waits for a server to listen. @throws ADDRESS_IN_USE, which names the setting that chose the port; any other fault as it is */
export async function awaitListening<T>(
  listening: Promise<T>,
  place: { what: string; address: string; setting: string },
): Promise<T> {
  return listening.catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? new Failure('ADDRESS_IN_USE', place, { cause: error }) : error;
  });
}
