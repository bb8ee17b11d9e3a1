// What a manager counts of what its rooms tell. docs/reference/metrics.md has a line for each. Labels are words of ours, routes as
// templates, error codes; names of hosts and groups only as far as they are few.
import { hear } from '../kernel/facts.js';
import { answerSeconds, BoundedLabel, codeOf, type MetricSet, workSeconds } from '../telemetry/metric-set.js';

/** Hosts and groups that are told apart; those that come after them count as `other`. */
const HOSTS_MAX = 32;
const GROUPS_MAX = 32;
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100];

type Listening = () => void;

/** Until all that is answered is called. */
export function countFacts(set: MetricSet): Listening[] {
  return [
    ...countRequests(set),
    ...countLanes(set),
    ...countOperations(set),
    ...countGit(set),
    ...countJobs(set),
    ...countTasks(set),
    ...countSecrets(set),
    ...countWebhooks(set),
    ...countLooks(set),
    ...countImports(set),
    ...countPulls(set),
    ...countEvents(set),
  ];
}

function countRequests(set: MetricSet): Listening[] {
  const requests = set.counter('api_requests_total', 'Requests that were answered', [
    'method',
    'route',
    'status',
  ]);
  const duration = set.histogram(
    'api_request_duration_seconds',
    'How long answers took, streams aside',
    answerSeconds,
    ['method', 'route'],
  );
  const flight = set.gauge('api_requests_in_flight', 'Requests whose answer is not over, streams included');
  return [
    hear('api.flight', ({ change }) => flight.inc(change)),
    hear('api.request', ({ method, route, status, seconds }) => {
      const labels = { method, route: route ?? 'none' };
      requests.inc({ ...labels, status });
      if (seconds !== null) duration.observe(labels, seconds);
    }),
  ];
}

function countLanes(set: MetricSet): Listening[] {
  const rounds = set.counter('lane_rounds_total', 'Rounds of lanes, by what came of them', ['outcome']);
  const round = set.histogram('lane_round_duration_seconds', 'How long rounds took', workSeconds);
  const pushes = set.counter('lane_pushes_total', 'Pushes of batches, by what came of them', ['outcome']);
  const push = set.histogram('lane_push_duration_seconds', 'How long pushes took', workSeconds);
  const batch = set.histogram('lane_batch_operations', 'Operations of one push', BATCH_SIZES);
  const faults = set.counter('lane_faults_total', 'Rounds that failed, by the code of the failure', ['code']);
  for (const outcome of ['landed', 'moved', 'conflict', 'fault']) pushes.inc({ outcome }, 0);
  return [
    hear('lane.round', ({ outcome, seconds }) => {
      rounds.inc({ outcome });
      round.observe(seconds);
    }),
    hear('lane.push', ({ outcome, operations, seconds }) => {
      pushes.inc({ outcome });
      push.observe(seconds);
      batch.observe(operations);
    }),
    hear('lane.fault', ({ code }) => faults.inc({ code: codeOf(code) })),
  ];
}

function countOperations(set: MetricSet): Listening[] {
  const ended = set.counter('operations_ended_total', 'Operations that lanes ended', [
    'action',
    'state',
    'code',
  ]);
  const duration = set.histogram(
    'operation_duration_seconds',
    'From the acceptance of an operation to its end',
    workSeconds,
    ['action', 'state'],
  );
  for (const action of ['save', 'delete', 'move']) ended.inc({ action, state: 'succeeded', code: 'OK' }, 0);
  return [
    hear('operation.end', ({ action, state, code, seconds }) => {
      ended.inc({ action, state, code: codeOf(code) });
      duration.observe({ action, state }, Math.max(0, seconds));
    }),
  ];
}

function countGit(set: MetricSet): Listening[] {
  const hosts = new BoundedLabel(HOSTS_MAX);
  const place = ['host', 'kind'] as ('host' | 'kind')[];
  const requests = set.counter('git_requests_total', 'Requests to Git hosts, by how they ended', [
    ...place,
    'code',
  ]);
  const duration = set.histogram(
    'git_request_duration_seconds',
    'How long requests to Git hosts took, to the end of the answer',
    answerSeconds,
    place,
  );
  const sent = set.counter('git_sent_bytes_total', 'Bytes of bodies sent to Git hosts', place);
  const received = set.counter(
    'git_received_bytes_total',
    'Bytes of bodies received from Git hosts, after decompression',
    place,
  );
  const pauses = set.counter('git_pauses_total', 'How often Git hosts asked for patience', place);
  const paused = set.counter(
    'git_pause_seconds_total',
    'For how long Git hosts asked to be left alone',
    place,
  );
  return [
    hear('git.request', ({ host, kind, code, seconds, bytesUp, bytesDown }) => {
      const labels = { host: hosts.of(host), kind };
      requests.inc({ ...labels, code: codeOf(code) });
      duration.observe(labels, seconds);
      sent.inc(labels, bytesUp);
      received.inc(labels, bytesDown);
    }),
    hear('git.pause', ({ host, kind, seconds }) => {
      const labels = { host: hosts.of(host), kind };
      pauses.inc(labels);
      paused.inc(labels, seconds);
    }),
  ];
}

function countJobs(set: MetricSet): Listening[] {
  const jobs = set.counter('queue_jobs_finished_total', 'Jobs this manager worked on', ['job', 'outcome']);
  const wait = set.histogram('queue_job_wait_seconds', 'How long jobs waited in the queue', answerSeconds, [
    'job',
  ]);
  const duration = set.histogram('queue_job_duration_seconds', 'How long jobs took', answerSeconds, ['job']);
  return [
    hear('queue.job', ({ job, outcome, waitSeconds, seconds }) => {
      jobs.inc({ job, outcome });
      wait.observe({ job }, Math.max(0, waitSeconds));
      duration.observe({ job }, seconds);
    }),
  ];
}

function countTasks(set: MetricSet): Listening[] {
  const groups = new BoundedLabel(GROUPS_MAX);
  const tasks = set.counter('delegate_tasks_total', 'Tasks sent to delegates, by how they ended', [
    'task',
    'code',
  ]);
  const byGroup = set.counter('delegate_group_tasks_total', 'The same by group', ['group', 'outcome']);
  const duration = set.histogram(
    'delegate_task_duration_seconds',
    'From the sending of a task to its answer',
    workSeconds,
    ['task'],
  );
  const forgeries = set.counter(
    'delegate_messages_refused_total',
    'Messages that were not what they claimed to be',
  );
  return [
    hear('delegate.task', ({ group, task, code, seconds }) => {
      tasks.inc({ task, code: codeOf(code) });
      const failed = code === 'unanswered' ? 'unanswered' : 'failed';
      byGroup.inc({ group: groups.of(group), outcome: code === 'OK' ? 'done' : failed });
      duration.observe({ task }, seconds);
    }),
    hear('delegate.forgery', () => forgeries.inc()),
  ];
}

function countSecrets(set: MetricSet): Listening[] {
  const opened = set.counter(
    'secrets_opened_total',
    'Attempts of this manager to open a secret, by the kind of its secret manager',
    ['kind', 'code'],
  );
  const renewed = set.counter(
    'secret_renewals_total',
    'Attempts to renew or migrate a secret, by how they ended',
    ['action', 'code'],
  );
  opened.inc({ kind: 'builtin', code: 'OK' }, 0);
  return [
    hear('secret.open', ({ kind, code }) => opened.inc({ kind, code: codeOf(code) })),
    hear('secret.renewal', ({ action, code }) => renewed.inc({ action, code: codeOf(code) })),
  ];
}

function countWebhooks(set: MetricSet): Listening[] {
  const arrivals = set.counter('webhook_arrivals_total', 'Deliveries at the door, by what they were told', [
    'provider',
    'code',
  ]);
  const deliveries = set.counter('webhook_deliveries_total', 'Deliveries that were processed', [
    'provider',
    'outcome',
  ]);
  const processing = set.histogram(
    'webhook_processing_duration_seconds',
    'From the arrival of a delivery to the end of its processing',
    workSeconds,
    ['provider'],
  );
  const lag = set.histogram(
    'webhook_lag_seconds',
    'From a webhook’s word that something was pushed to copies that have it',
    workSeconds,
    ['provider'],
  );
  return [
    hear('webhook.arrival', ({ provider, code }) =>
      arrivals.inc({ provider: provider ?? 'none', code: code === 'CALLER_GONE' ? code : codeOf(code) }),
    ),
    hear('webhook.end', ({ provider, outcome, seconds }) => {
      deliveries.inc({ provider, outcome });
      processing.observe({ provider }, Math.max(0, seconds));
    }),
    hear('webhook.lag', ({ provider, seconds }) => lag.observe({ provider }, seconds)),
  ];
}

function countLooks(set: MetricSet): Listening[] {
  const looks = set.counter('looks_total', 'Looks at tracked repositories, by how they ended', [
    'because',
    'outcome',
  ]);
  const look = set.histogram('look_duration_seconds', 'How long looks took, refreshes included', workSeconds);
  const missed = set.counter('webhooks_missed_total', 'Looks that found what no webhook had told of');
  const refreshes = set.counter('refreshes_total', 'Refreshes of branches, by how they ended', ['outcome']);
  const refresh = set.histogram('refresh_duration_seconds', 'How long refreshes took', workSeconds);
  const files = set.counter('refresh_files_total', 'Files that refreshes brought in', ['outcome']);
  return [
    hear('poll.look', ({ because, outcome, missed: isMissed, seconds }) => {
      looks.inc({ because, outcome: outcome === 'paused' ? outcome : codeOf(outcome) });
      look.observe(seconds);
      if (isMissed) missed.inc();
    }),
    hear('refresh.end', ({ outcome, seconds, files: counts }) => {
      refreshes.inc({ outcome: outcome === 'done' || outcome === 'busy' ? outcome : codeOf(outcome) });
      refresh.observe(seconds);
      for (const [what, count] of Object.entries(counts)) files.inc({ outcome: what }, Math.max(0, count));
    }),
  ];
}

function countImports(set: MetricSet): Listening[] {
  const files = set.counter('import_files_total', 'Files that imports judged or applied', [
    'work',
    'outcome',
  ]);
  const ended = set.counter('imports_ended_total', 'Imports and reports that ended', ['outcome']);
  return [
    hear('import.part', ({ work, files: counts }) => {
      for (const [outcome, count] of Object.entries(counts)) files.inc({ work, outcome }, count);
    }),
    hear('import.end', ({ outcome }) =>
      ended.inc({ outcome: outcome === 'done' || outcome === 'reported' ? outcome : codeOf(outcome) }),
    ),
  ];
}

function countPulls(set: MetricSet): Listening[] {
  const works = set.counter('pull_request_work_total', 'Work on pull requests, by how it ended', [
    'work',
    'code',
  ]);
  const duration = set.histogram(
    'pull_request_work_duration_seconds',
    'How long work on a pull request took',
    answerSeconds,
    ['work'],
  );
  return [
    hear('pull.work', ({ work, code, seconds }) => {
      works.inc({ work, code: codeOf(code) });
      duration.observe({ work }, seconds);
    }),
  ];
}

function countEvents(set: MetricSet): Listening[] {
  const deliveries = set.counter('event_deliveries_total', 'Attempts to deliver an event to a subscription', [
    'outcome',
  ]);
  const duration = set.histogram(
    'event_delivery_duration_seconds',
    'How long such attempts took',
    answerSeconds,
  );
  return [
    hear('event.delivery', ({ outcome, seconds }) => {
      deliveries.inc({ outcome });
      duration.observe(seconds);
    }),
  ];
}
