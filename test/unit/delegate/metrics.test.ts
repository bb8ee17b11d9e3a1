import { beforeEach, describe, expect, it } from 'vitest';
import { contractVersion } from '../../../src/contract/version.js';
import type { Git } from '../../../src/git/git.js';
import { Failure } from '../../../src/kernel/failure.js';
import type { HostApi } from '../../../src/providers/host-api.js';
import { type OpenRemote, taskHandlers } from '../../../workers/runtime/handlers.js';
import { hostHandlers } from '../../../workers/runtime/host-handlers.js';
import { DelegateMetrics, type Levels } from '../../../workers/runtime/metrics.js';
import { secretHandlers } from '../../../workers/runtime/secret-handlers.js';

const remote = { url: 'https://git.example/secret-team/repository.git' };
const task = { id: 't', name: 'git.head', purpose: null };
const idle: Levels = { running: 0, tasksMax: 8, queueConnected: true, welcomedAt: undefined };

let metrics: DelegateMetrics;
beforeEach(() => {
  metrics = new DelegateMetrics('1.2.3');
});

/** 'sallyport_delegate_tasks_begun_total{task="git.head"}' → its value; undefined where there is no such line. */
async function valueOf(series: string, levels = idle): Promise<number | undefined> {
  const lines = (await metrics.text(levels)).split('\n');
  const line = lines.find((one) => one.startsWith(`sallyport_delegate_${series} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** The handlers of a delegate whose repositories answer a head like this. */
const handlersOf = (head: () => Promise<string | null>) => {
  const open: OpenRemote = async () => ({ head }) as unknown as Git;
  const nobody = () => Promise.reject(new Error('nobody comes'));
  const secrets = secretHandlers({} as Parameters<typeof secretHandlers>[0]);
  const hosts = hostHandlers(async () => ({}) as HostApi);
  const changeKeys = { stage: nobody, wish: () => '', adopt: nobody, promote: nobody };
  return metrics.measure(
    taskHandlers({ open, exchange: nobody, hosts, secrets, handOver: nobody, changeKeys }),
  );
};

describe('tasks', () => {
  it('are at zero before the first one', async () => {
    expect(await valueOf('tasks_begun_total{task="git.commit"}')).toBe(0);
    expect(await valueOf('tasks_finished_total{task="git.commit",code="OK"}')).toBe(0);
  });

  it('are counted and timed, and answer what they did', async () => {
    const handlers = handlersOf(async () => null);
    expect(await handlers['git.head']({ remote, branch: 'main' }, task)).toBeNull();
    expect(await valueOf('tasks_begun_total{task="git.head"}')).toBe(1);
    expect(await valueOf('tasks_finished_total{task="git.head",code="OK"}')).toBe(1);
    expect(await valueOf('task_duration_seconds_count{task="git.head"}')).toBe(1);
  });

  it('that fail are counted by their code, and what has none as INTERNAL', async () => {
    const failure = new Failure('GIT_TIMEOUT', { host: 'git.example', seconds: 1 });
    const timely = handlersOf(() => Promise.reject(failure));
    await expect(timely['git.head']({ remote, branch: 'main' }, task)).rejects.toBe(failure);
    const odd = handlersOf(() => Promise.reject(new TypeError('odd')));
    await expect(odd['git.head']({ remote, branch: 'main' }, task)).rejects.toThrow('odd');
    expect(await valueOf('tasks_finished_total{task="git.head",code="GIT_TIMEOUT"}')).toBe(1);
    expect(await valueOf('tasks_finished_total{task="git.head",code="INTERNAL"}')).toBe(1);
    expect(await valueOf('tasks_finished_total{task="git.head",code="OK"}')).toBe(0);
    expect(await valueOf('task_duration_seconds_count{task="git.head"}')).toBe(2);
  });

  it('are begun before they end', async () => {
    let answer: (head: null) => void = () => undefined;
    const handlers = handlersOf(() => new Promise((resolve) => (answer = resolve)));
    const running = handlers['git.head']({ remote, branch: 'main' }, task);
    expect(await valueOf('tasks_begun_total{task="git.head"}')).toBe(1);
    expect(await valueOf('tasks_finished_total{task="git.head",code="OK"}')).toBe(0);
    answer(null);
    await running;
  });

  it('leave no trace of the repository', async () => {
    await handlersOf(async () => null)['git.head']({ remote, branch: 'main' }, task);
    expect(await metrics.text(idle)).not.toMatch(/secret-team|git\.example/);
  });
});

describe('refused messages', () => {
  it('are counted by their reason', async () => {
    metrics.refuse('its signature is not its author’s');
    metrics.refuse('its signature is not its author’s');
    metrics.refuse('TASK_EXPIRED');
    expect(await valueOf('messages_refused_total{reason="its_signature_is_not_its_author_s"}')).toBe(2);
    expect(await valueOf('messages_refused_total{reason="task_expired"}')).toBe(1);
  });

  it('have no more than 32 reasons and the rest', async () => {
    for (let n = 0; n < 100; n++) metrics.refuse(`reason ${n}`);
    const text = await metrics.text(idle);
    expect(text.match(/^sallyport_delegate_messages_refused_total\{/gm)).toHaveLength(33);
    expect(await valueOf('messages_refused_total{reason="other"}')).toBe(68);
    metrics.refuse('reason 3');
    expect(await valueOf('messages_refused_total{reason="reason_3"}')).toBe(2);
  });
});

describe('levels', () => {
  it('are those of the moment', async () => {
    expect(await valueOf('tasks_running', { ...idle, running: 3 })).toBe(3);
    expect(await valueOf('tasks_running')).toBe(0);
    expect(await valueOf('tasks_max')).toBe(8);
    expect(await valueOf('queue_connected')).toBe(1);
    expect(await valueOf('queue_connected', { ...idle, queueConnected: false })).toBe(0);
  });

  it('say the last welcome in seconds, and 0 before it', async () => {
    expect(await valueOf('last_welcome_timestamp_seconds')).toBe(0);
    expect(await valueOf('last_welcome_timestamp_seconds', { ...idle, welcomedAt: 1_500 })).toBe(1.5);
  });
});

it('every name has the prefix, and ends as Prometheus wants it', async () => {
  const text = await metrics.text(idle);
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
    name,
    type,
  }));
  expect(types.filter(({ name }) => !name.startsWith('sallyport_delegate_'))).toEqual([]);
  const ours = types.filter(({ name }) => !/_(?:process|nodejs)_/.test(name));
  expect(ours.filter(({ type }) => type === 'counter').length).toBeGreaterThan(2);
  expect(ours.filter(({ name, type }) => (type === 'counter') !== name.endsWith('_total'))).toEqual([]);
  expect(ours.map(({ name }) => name)).toContain('sallyport_delegate_task_duration_seconds');
  expect(await valueOf(`build_info{version="1.2.3",contract="${contractVersion}"}`)).toBe(1);
  expect(types.map(({ name }) => name)).toContain('sallyport_delegate_process_resident_memory_bytes');
});
