import { openDelegatedRoad } from '../support/delegated-road.js';
import { startRedis } from '../support/servers.js';
import { describeGit } from './git.conformance.js';

const redis = await startRedis();
const road = await openDelegatedRoad({ redisUrl: redis.url }, 'native');
const close = async (): Promise<void> => {
  await road.close();
  await redis.stop();
};

describeGit('DelegatedGit over Redis, with the native engine', road.make, { close });
