// One account's thousand saves do not delay another account's one save by more than one batch. Pushes are counted where
// they arrive: they stand at a gate before the Git host, and one at a time is let through until the one save's own is there.
//
// What “one batch” means: a manager gives so many turns at a time, and a turn is one batch of one account. When the one save
// comes, every turn may have a batch of the thousand under way; the first of them that ends makes room, and then it is the
// one save's turn, also in a lane that both share. So one batch comes first. Where the thousand go through a delegate that
// does one task at a time, batches of the other turns, which were under way as well, may arrive while the one save's turn
// runs beside them: of each turn one, and those do not delay it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/api.js';
import { Crowd, main, manyPlaces, ownPlace, type Place } from '../support/crowd.js';
import { startManager } from '../support/processes.js';
import { roads } from '../support/stack.js';
import { sampled } from '../support/thoroughness.js';

const SAVES = 1_000;
/** Enough for every turn and every lane to have more than is done before the one save. */
const FEWER = 120;
const LANES_MAX = 4;

async function expectAllOnce(crowd: Crowd): Promise<void> {
  const { accepted, succeeded, landed } = await crowd.finish();
  expect(succeeded).toEqual(accepted);
  expect(landed).toEqual(accepted);
}

describe.each(sampled(roads, 2))('through the %s', (road) => {
  let crowd: Crowd;
  beforeAll(async () => {
    crowd = await Crowd.gather(road, LANES_MAX);
  });
  afterAll(() => crowd.leave());

  const besides = road === 'manager' ? 1 : LANES_MAX;
  it.each<[string, number, Place[], Place, number]>([
    ['in a lane of its own, those in many', FEWER, manyPlaces, ownPlace, besides],
    ['in a lane that all of those are in', SAVES, [main], main, 1],
    ['in the last of the lanes that those are in', FEWER, manyPlaces, manyPlaces.at(-1) ?? main, besides],
  ])(
    'lets one save pass many of another account, %s: %i',
    async (name, saves, many, one, most) => {
      const { gate, stack } = crowd;
      gate.shut();
      const id = name.replaceAll(/\W+/g, '-');
      await crowd.saveMany(id, saves, many);
      const standing = road === 'manager' ? Math.min(LANES_MAX, many.length) : 1;
      await eventually(async () => gate.held.length === standing, 'as many pushes to stand here as may');
      await crowd.saveOne(id, one);
      await crowd.told();
      expect(await crowd.countBefore(stack.accounts.guest.username)).toBeLessThanOrEqual(most);
      expect(await crowd.waiting('demo')).toBeGreaterThan(saves / 2);
      await expectAllOnce(crowd);
    },
    240_000,
  );
});

describe('two managers', () => {
  let crowd: Crowd;
  beforeAll(async () => {
    crowd = await Crowd.gather('manager', 1);
  });
  afterAll(() => crowd.leave());

  it.each([
    ['a lane that the busy one has not begun', 20, 0],
    ['a lane that the busy one has left for another', 300, 1],
  ])('share what waits: the idle one takes %s', async (name, saves, rounds) => {
    const { gate, stack } = crowd;
    gate.shut();
    await crowd.saveMany(name.replaceAll(' ', '-'), saves, manyPlaces.slice(0, 2));
    await eventually(async () => gate.held.length === 1, 'the first manager to push');
    await crowd.told();
    for (let round = 0; round < rounds; round++) {
      gate.passOne();
      await eventually(async () => gate.held.length === 1, 'the first manager to push again');
    }
    const second = await startManager({ env: stack.managerEnvironment() });
    await eventually(async () => gate.held.length === 2, 'the second manager to push');
    await expectAllOnce(crowd);
    await second.kill('SIGTERM');
  });
});
