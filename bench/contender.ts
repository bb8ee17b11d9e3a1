// The process of one method: runs what it is told, and measures time, CPU and memory of itself and of the git it starts.
import fs from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import type { Answer, Call, Reply } from './contender-client.js';
import { catalogue } from './methods/catalogue.js';
import type { Method } from './methods/method.js';

const SAMPLE_MS = 10;
const TICKS_PER_SECOND = 100;
const MIB = 1024 * 1024;

class TimeIsUp extends Error {
  constructor(readonly done: number) {
    super(`the time was up after ${done}`);
  }
}

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

const entry = catalogue[process.argv[2] ?? ''];
if (entry === undefined) throw new Error(`There is no method ${process.argv[2]}`);
const method = entry.make();
collectGarbage();
const idleBytes = process.memoryUsage.rss();

process.on('disconnect', () => process.exit(0));
process.on('message', (call: Call) => {
  void answer(call).then((reply) => process.send?.(reply));
});
process.send?.({ kind: 'ready' } satisfies Reply);

async function answer(call: Call): Promise<Reply> {
  try {
    if (call.kind === 'prepare') {
      await method.prepare?.(call.place);
      return { kind: 'ready' };
    }
    return await measure(call);
  } catch (error) {
    if (error instanceof TimeIsUp) return { kind: 'stopped', done: error.done };
    return {
      kind: 'failed',
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}

async function measure(call: Call & { kind: 'run' }): Promise<Reply> {
  collectGarbage();
  fs.writeFileSync('/proc/self/clear_refs', '5');
  const children = { bytes: 0 };
  const sampling = call.watchChildren
    ? setInterval(() => {
        children.bytes = Math.max(children.bytes, memoryBelow(process.pid));
      }, SAMPLE_MS)
    : undefined;
  const childrenMs = cpuOfChildren();
  const cpu = process.cpuUsage();
  const start = performance.now();
  try {
    const result = await run(method, call);
    const ms = performance.now() - start;
    const used = process.cpuUsage(cpu);
    return {
      kind: 'done',
      ms,
      cpuMs: (used.user + used.system) / 1_000 + cpuOfChildren() - childrenMs,
      rssMiB: Math.max(0, peakBytes() - idleBytes) / MIB,
      childrenMiB: call.watchChildren ? children.bytes / MIB : null,
      answer: result,
    };
  } finally {
    clearInterval(sampling);
  }
}

async function run(made: Method, call: Call & { kind: 'run' }): Promise<Answer> {
  const { place, files } = call;
  const first = files[0] ?? { path: '', content: '' };
  const endsAt = performance.now() + call.stopAfterMs;
  const note = (done: number): void => {
    if (performance.now() > endsAt && done < files.length) throw new TimeIsUp(done);
  };
  switch (call.operation) {
    case 'save':
      return made.save(place, first);
    case 'read':
      return must(made.read)(place, first.path);
    case 'refresh':
      return must(made.refresh)(place);
    case 'save100':
      return call.atOnce ? must(made.saveAtOnce)(place, files) : must(made.saveMany)(place, files, note);
  }
}

function must<T>(offered: T | undefined): T {
  if (offered === undefined) throw new Error('The method does not offer this');
  return offered;
}

/** CPU of children that have ended, and theirs, from the kernel's own account (in ticks of 10 ms). */
function cpuOfChildren(): number {
  const fields = (fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1] ?? '').split(' ');
  return ((Number(fields[13]) + Number(fields[14])) * 1_000) / TICKS_PER_SECOND;
}

function peakBytes(): number {
  return kilobytesOf('self', 'VmHWM') * 1024;
}

/** Memory of all processes below this one, at this moment. */
function memoryBelow(pid: number): number {
  let bytes = 0;
  try {
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    for (const child of children.split(' ').filter((text) => text !== ''))
      bytes += kilobytesOf(child, 'VmRSS') * 1024 + memoryBelow(Number(child));
  } catch {
    // It has ended.
  }
  return bytes;
}

function kilobytesOf(process_: string, field: string): number {
  const status = fs.readFileSync(`/proc/${process_}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
}
