import type { Schemas } from '../data/api.js';

/** Where an entity is, or was, or is to be. */
export const PlaceWords = ({ place }: { place: Schemas['MovePlace'] | null }) => (
  <span class="mono break">{wordsOf(place)}</span>
);

function wordsOf(place: Schemas['MovePlace'] | null): string {
  if (place === null) return '–';
  return place.store === 'inline' ? 'Inline' : `${place.connector} ${place.branch}: ${place.path}`;
}
