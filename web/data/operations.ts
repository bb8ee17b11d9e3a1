// Operations as they go on: what one waits for, and what became of it.
import { useEffect, useState } from 'preact/hooks';
import { answer, apiOf, type Schemas } from './api.js';
import { type Resource, useResource } from './resource.js';

export type Operation = Schemas['Operation'];

const LOOK_MS = 1_000;

/** @param id undefined: of none */
export function useOperation(scope: string, id: string | undefined): Resource<Operation> {
  const [isOver, setOver] = useState(false);
  const read = useResource<Operation>(
    id === undefined ? null : `operation ${scope} ${id}`,
    () => answer(apiOf(scope).GET('/operations/{id}', { params: { path: { id: id ?? '' } } })),
    // What it waits for is no event.
    { live: ['operation.', 'pull-request.'], ...(isOver || id === undefined ? {} : { everyMs: LOOK_MS }) },
  );
  useEffect(() => setOver(read.data !== undefined && read.data.state !== 'pending'), [read.data?.state]);
  return read;
}
