// `npm run bench:secrets`: what sealing, opening and an envelope cost, and what a secret of a KMS adds to a save through a
// delegate, with its data key cold and warm, beside the round trip to the KMS.
import { randomBytes, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnvelopeManager } from '../src/envelope/envelope-manager.js';
import { openKeyFile } from '../src/envelope/key-file.js';
import { KeyRingWrapper } from '../src/envelope/key-ring-wrapper.js';
import { Secret } from '../src/kernel/secret.js';
import { openValue, type SealingTarget, sealValue } from '../src/sealing/client-sealing.js';
import { makeSealingPair } from '../src/sealing/hpke.js';
import { Identity } from '../src/sealing/identity.js';
import { AwsServer } from '../test/support/secret-servers/aws.js';
import { AwsKms } from '../workers/secret-managers/aws-kms.js';
import { summarizeTimes } from './delegates-report.js';
import { type Product, startProduct } from './product.js';
import {
  fillSecrets,
  judgeSecrets,
  printSecrets,
  type SaveName,
  type SecretResults,
  saveNames,
} from './secrets-report.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RESULTS = path.join(root, 'bench/results/secrets.json');
const PAGE = path.join(root, 'docs/benchmarks.md');
const ENTITIES = 20;
const VALUE = randomBytes(1_024);
const SCOPE = 'accounts/demo';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    /** Where to write the results, in place of those that are part of the project. */
    out: { type: 'string' },
  },
});
const plan = values.quick ? { warmUp: 3, rounds: 10 } : { warmUp: 30, rounds: 200 };

await main();

async function main(): Promise<void> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-'));
  fs.chmodSync(home, 0o755);
  const stops: (() => Promise<void>)[] = [];
  const end = async (): Promise<void> => {
    for (const stop of stops.splice(0)) await stop();
    fs.rmSync(home, { recursive: true, force: true });
  };
  const leave = (): void => void end().finally(() => process.exit(130));
  process.on('SIGINT', leave).on('SIGTERM', leave);
  try {
    const work = await measureWork(home);
    const aws = await AwsServer.open();
    stops.unshift(() => aws.close());
    const saves = await measureSaves(await startProduct(home, stops), aws);
    const measured = { work, ...saves };
    const results: SecretResults = {
      date: new Date().toISOString().slice(0, 10),
      versions: { node: process.versions.node },
      cpus: os.availableParallelism(),
      count: plan.rounds,
      ...measured,
      targets: judgeSecrets(measured),
    };
    process.stdout.write(`${printSecrets(results)}\n`);
    write(results);
  } finally {
    await end();
  }
}

/** What happens in one process alone, a kibibyte each time. */
async function measureWork(home: string): Promise<SecretResults['work']> {
  const { target, pair } = await makeTarget();
  const place = {
    scope: SCOPE,
    secret: 'bench',
    version: randomUUID(),
    managerScope: SCOPE,
    manager: 'kms',
    expiresAt: Date.now() + 60_000,
  };
  const sealed = await sealValue(VALUE, target, place);
  const ring = openKeyFile(path.join(home, 'ring.json'), { createIfMissing: true });
  const keyring = new EnvelopeManager('keyring', new KeyRingWrapper(ring), 'bench');
  const at = { scope: SCOPE, secret: 'bench' };
  const envelope = await keyring.put(VALUE, at);
  return {
    'seal a value to a group': await time(() => sealValue(VALUE, target, place)),
    'open a sealed value': await time(() => openValue(sealed, { ...target, ...pair }, place)),
    'put it into an envelope, and prove that it opens': await time(() => keyring.put(VALUE, at)),
    'open an envelope': await time(async () => (await keyring.open(envelope, at)).wipe()),
    'rewrap an envelope': await time(() => keyring.rewrap(envelope, at)),
  };
}

async function makeTarget() {
  const identity = new Identity(Identity.make());
  const pair = await makeSealingPair();
  const target: SealingTarget = {
    deployment: 'bench',
    group: 'g0',
    identityKey: identity.publicKey,
    sealingKey: pair.publicKey,
    signature: identity.sign('sealing-key', pair.publicKey),
  };
  return { target, pair };
}

/** All ways in turns, so that what else the machine does falls on each of them. */
async function measureSaves(
  product: Product,
  aws: AwsServer,
): Promise<Pick<SecretResults, 'saves' | 'roundTrip'>> {
  const key = aws.keys.create();
  const { accessKeyId, secretAccessKey } = aws.accounts.issue('bench');
  const credential = JSON.stringify({ accessKeyId, secretAccessKey });
  const settings = { kind: 'aws-kms' as const, region: aws.region, key, endpoint: aws.url };
  await product.addDelegate('forgetful', { SALLYPORT_SECRETS_DATA_KEY_SECONDS: '0' });
  await furnish(product, settings, credential);
  const kms = new AwsKms({
    keeper: { manager: 'bench', scope: SCOPE },
    settings,
    credential: new Secret(Buffer.from(credential)),
    deadlineMs: 10_000,
    proxy: undefined,
  });
  const bound = { deployment: 'bench', scope: SCOPE, secret: 'bench', version: randomUUID() };
  const wrapped = await kms.wrap(randomBytes(32), bound);
  const times: Record<SaveName, number[]> = { keyring: [], cold: [], warm: [] };
  const requests: Record<SaveName, number> = { keyring: 0, cold: 0, warm: 0 };
  const trips: number[] = [];
  for (let at = 0; at < plan.warmUp + plan.rounds; at++) {
    for (const name of at % 2 === 0 ? saveNames : saveNames.toReversed()) {
      const asked = aws.asked.length;
      const ms = await clock(() =>
        product.save(name, name, `${name}-${at % ENTITIES}`, `name: ${name} ${at}\n`),
      );
      if (at < plan.warmUp) continue;
      times[name].push(ms);
      requests[name] += aws.asked.length - asked;
    }
    const trip = await clock(() => kms.unwrap(wrapped, bound));
    if (at >= plan.warmUp) trips.push(trip);
  }
  await kms.close();
  const saves = saveNames.map((name) => [
    name,
    { ...summarizeTimes(times[name]), requests: requests[name] / plan.rounds },
  ]);
  return { saves: Object.fromEntries(saves) as SecretResults['saves'], roundTrip: summarizeTimes(trips) };
}

/** One secret of a keyring and one of the KMS, whose data key one delegate remembers and the other does not; a branch for each. */
async function furnish(product: Product, settings: object, credential: string): Promise<void> {
  const { ask, repositoryUrl: url } = product;
  await ask('PUT', 'secrets/aws', { manager: 'builtin', value: credential });
  for (const [name, group, of] of [
    ['keyring', 'local', { kind: 'keyring' }],
    ['cold', 'forgetful', settings],
    ['warm', 'local', settings],
  ] as const) {
    const signsIn = name === 'keyring' ? {} : { credential: 'aws' };
    await ask('PUT', `secret-managers/of-${name}`, { settings: of, group, ...signsIn });
    const target = (await ask('GET', `secret-managers/of-${name}/sealing-key`)) as unknown as SealingTarget;
    const [version, expiresAt] = [randomUUID(), Date.now() + 600_000];
    const place = {
      scope: SCOPE,
      secret: name,
      version,
      managerScope: SCOPE,
      manager: `of-${name}`,
      expiresAt,
    };
    const sealed = await sealValue(Buffer.from('the host asks for none'), target, place);
    await ask('PUT', `secrets/${name}`, {
      manager: `of-${name}`,
      sealed: { group: target.group, version, expiresAt, ...sealed },
    });
    await ask('PUT', `connectors/${name}`, {
      url,
      connectivity: 'delegate',
      group,
      credential: { username: 'bench', secret: name },
    });
    await ask('PUT', `entities/pipeline/first-${name}`, {
      yaml: 'name: first\n',
      git: { connector: name, branch: name, newBranchFrom: 'main' },
    });
  }
}

async function clock(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function time(work: () => Promise<unknown>): Promise<ReturnType<typeof summarizeTimes>> {
  const times: number[] = [];
  for (let at = 0; at < plan.warmUp + plan.rounds; at++) {
    const ms = await clock(work);
    if (at >= plan.warmUp) times.push(ms);
  }
  return summarizeTimes(times, 2);
}

/** A quick run is not what the project shows: it is written only where it is told to. */
function write(results: SecretResults): void {
  const text = `${JSON.stringify(results, null, 2)}\n`;
  if (values.out !== undefined) return fs.writeFileSync(values.out, text);
  if (values.quick) return void process.stderr.write('Not written: only a whole run is, or one with --out\n');
  fs.mkdirSync(path.dirname(RESULTS), { recursive: true });
  fs.writeFileSync(RESULTS, text);
  fs.writeFileSync(PAGE, fillSecrets(fs.readFileSync(PAGE, 'utf8'), results));
}
