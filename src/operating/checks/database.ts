// Ten things that a PostgreSQL has to be so that what was acknowledged is kept, and what is on record stays.
import type { DatabaseFacts, Proof } from '../../storage/database-probe.js';
import { type Finding, note, ok, skipped, wrong } from '../../telemetry/examination.js';
import type { ManagerCheck } from './patient.js';

/** By major version, the minor one with the last fixes that matter; older majors get none any more. */
const FLOORS: Record<number, number> = { 14: 20, 15: 15, 16: 11, 17: 7, 18: 1 };
const NEWEST = Math.max(...Object.keys(FLOORS).map(Number));

const about = (name: string, look: (facts: DatabaseFacts) => Finding): ManagerCheck => ({
  name: `database ${name}`,
  look: ({ database }) =>
    typeof database === 'string' ? skipped('not looked at: the database does not answer') : look(database),
});

export const databaseChecks: ManagerCheck[] = [
  {
    name: 'database',
    look: ({ database }) =>
      typeof database === 'string'
        ? wrong(
            `PostgreSQL does not answer: ${database}`,
            'Set DATABASE_URL as the managers have it, or open the way',
          )
        : ok(`PostgreSQL answers, as ${database.user}`),
  },
  about('version', ({ version }) => judgePostgres(version)),
  about('user', ({ user, isSuperuser }) =>
    isSuperuser
      ? wrong(
          `${user} is a superuser: whoever has its password has the server`,
          'Give the managers a role of their own that owns nothing but this database (create role … login nosuperuser)',
        )
      : ok(`${user} is no superuser`),
  ),
  about('passwords', ({ proof }) => judgeProof(proof)),
  about('encryption', ({ isEncrypted, isLocal }) => {
    if (isEncrypted) return ok('the connection is encrypted');
    if (isLocal) return ok('over a socket of this machine');
    return wrong(
      'the connection is not encrypted: passwords, tokens and documents pass in the clear',
      'Switch TLS on (ssl = on, hostssl in pg_hba.conf) and end DATABASE_URL with ?sslmode=verify-full',
    );
  }),
  about('durability', ({ synchronousCommit, fsync }) => {
    if (fsync !== 'on')
      return wrong(
        'fsync is off: a crash loses what was acknowledged, or all of it',
        'Set fsync = on, and restart it',
      );
    if (synchronousCommit === 'off')
      return wrong(
        'synchronous_commit is off: a crash loses what was acknowledged last',
        'Set synchronous_commit = on, for the server and for this role',
      );
    if (synchronousCommit === 'local')
      return note(
        'synchronous_commit is local: a failover may lose what was acknowledged last',
        'Set it to on, with a synchronous standby',
      );
    return ok(`synchronous_commit is ${synchronousCommit}`);
  }),
  about('roles', ({ owned, user }) =>
    owned === 0
      ? ok('the tables are another role’s')
      : wrong(
          `${user} owns ${owned} tables that it works on: it could change their rules, and what is on record`,
          'Migrate as the role that owns them, and give managers one that may only select, insert, update and delete',
        ),
  ),
  about('records', ({ changeable, user }) =>
    changeable.length === 0
      ? ok('what is on record cannot be changed')
      : wrong(
          `${user} may change what is on record: ${changeable.join(', ')}`,
          `revoke update, delete, truncate on ${changeable.join(', ')} from the role of the managers`,
        ),
  ),
  about('statements', ({ statementTimeout }) => judgeTimeout('statement_timeout', statementTimeout)),
  about('transactions', ({ idleTimeout }) =>
    judgeTimeout('idle_in_transaction_session_timeout', idleTimeout),
  ),
  about('schema', ({ isPublicOpen }) =>
    isPublicOpen
      ? wrong(
          'every role may make tables in it, which ours could be mistaken for',
          'revoke create on schema public from public',
        )
      : ok('nobody else may make tables in it'),
  ),
];

/** 150018 for 15.18. */
export function judgePostgres(version: number): Finding {
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000];
  const floor = major > NEWEST ? 0 : FLOORS[major];
  const found = `PostgreSQL ${major}.${minor}`;
  if (floor === undefined) return wrong(`${found}, which gets no fixes any more`, `Upgrade it to ${NEWEST}`);
  if (minor < floor) return wrong(`${found} lacks fixes`, `Upgrade it to ${major}.${floor} at least`);
  return ok(found);
}

function judgeProof(proof: Proof): Finding {
  const mend =
    'Set password_encryption = scram-sha-256, set the password anew, and use scram-sha-256 in pg_hba.conf';
  if (proof === 'scram') return ok('proven by SCRAM');
  if (proof === 'other') return ok('proven without a password');
  if (proof === 'none')
    return wrong(
      'whoever reaches it is let in without a password (trust), or by a certificate, which it cannot tell',
      mend,
    );
  return wrong(`the password is shown ${proof === 'md5' ? 'as its MD5' : 'as it is'}`, mend);
}

function judgeTimeout(setting: string, value: string): Finding {
  if (value !== '0') return ok(`${setting} is ${value}`);
  return wrong(
    `${setting} is off, although managers set it: something holds up the server for as long as it likes`,
    'Take options out of DATABASE_URL, and let a pooler pass on what a client sets at its start',
  );
}
