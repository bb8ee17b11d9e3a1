// `npm run -s secret -- put …`: puts a secret through the API, sealed here where the manager must not see it.
import './config/process.js';
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { isWithin, putSecret, type SecretToPut } from './cli/put-secret.js';

const ID = '[A-Za-z_][A-Za-z0-9_$-]{0,127}';
const SCOPE = new RegExp(`^accounts/${ID}(/orgs/${ID}(/projects/${ID})?)?$`);
const USAGE = `Usage: npm run -s secret -- put --url URL --token-file FILE --scope accounts/A[/orgs/O[/projects/P]] --id SECRET
  --manager builtin|NAME [--manager-scope SCOPE] [--kind text|file|ssh-key] [--fingerprint SHA256:…]
  [--suite x25519|p256] < value
SCOPE is the scope of the secret, or one further out
`;
const kinds = ['text', 'file', 'ssh-key'] as const;
const suites = ['x25519', 'p256'] as const;
const text = { type: 'string' } as const;

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  return 1;
});

/** The exit code. */
async function main(args: string[]): Promise<number> {
  const secret = understand(parse(args) ?? {});
  if (secret === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { tokenFile, ...named } = secret;
  const value = await readValue(named.kind);
  const token = fs.readFileSync(tokenFile, 'utf8').trim();
  try {
    const { state, version, sealedTo } = await putSecret({ ...named, token, value });
    if (sealedTo !== null)
      process.stderr.write(`Sealed to group ${sealedTo.group}, ${sealedTo.fingerprint}\n`);
    process.stdout.write(`${JSON.stringify({ state, version })}\n`);
    return 0;
  } finally {
    value.fill(0);
  }
}

type Named = Omit<SecretToPut, 'token' | 'value'> & { tokenFile: string };

/** Undefined where anything is missing or is not what it should be. */
function understand(values: NonNullable<ReturnType<typeof parse>>): Named | undefined {
  const { url, 'token-file': tokenFile, scope, id, manager, fingerprint } = values;
  const kind = kinds.find((one) => one === (values.kind ?? 'text'));
  const suite = suites.find((one) => one === values.suite);
  const managerScope = values['manager-scope'] ?? scope;
  const isWhole =
    kind !== undefined &&
    suite === values.suite &&
    /^https?:\/\/[^/?#@]+$/.test(url ?? '') &&
    tokenFile !== undefined &&
    [scope, managerScope].every((one) => SCOPE.test(one ?? '')) &&
    isWithin(scope ?? '', managerScope ?? '') &&
    [id, manager].every((one) => new RegExp(`^${ID}$`).test(one ?? ''));
  const named = { url, tokenFile, scope, id, manager, managerScope, kind, fingerprint, suite };
  return isWhole ? (named as Named) : undefined;
}

function parse(args: string[]) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: text,
        'token-file': text,
        scope: text,
        id: text,
        manager: text,
        'manager-scope': text,
        kind: text,
        fingerprint: text,
        suite: text,
      },
    });
    return positionals.join() === 'put' ? values : undefined;
  } catch {
    return undefined;
  }
}

/** Of a text the line end goes, since whoever writes one ends it so; a file and a key stay as they are. */
async function readValue(kind: (typeof kinds)[number]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const value = Buffer.concat(chunks);
  if (kind !== 'text' || value.at(-1) !== 0x0a) return value;
  return value.subarray(0, value.at(-2) === 0x0d ? -2 : -1);
}
