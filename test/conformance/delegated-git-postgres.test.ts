import { inject } from 'vitest';
import { openDelegatedRoad } from '../support/delegated-road.js';
import { createDatabase } from '../support/stack.js';
import { describeGit } from './git.conformance.js';

const database = await createDatabase(inject('embeddedPostgres'));
const road = await openDelegatedRoad({ databaseUrl: database.url }, 'in-process');
const close = async (): Promise<void> => {
  await road.close();
  await database.drop();
};

describeGit('DelegatedGit over the queue in PostgreSQL, with the in-process engine', road.make, { close });
