// Whether the manager can be reached, whether the two clocks agree, and whether both speak one contract.
import { z } from 'zod';
import { clockSkewMaxMs } from '../../../src/contract/messages.js';
import { contractOldest, contractVersion } from '../../../src/contract/version.js';
import { type Finding, note, ok, reasonOf, skipped, wrong } from '../../../src/telemetry/examination.js';
import { callManager, type ManagerAnswer, routeAt } from '../../runtime/manager-line.js';
import { type DelegateCheck, NOT_ENROLLED } from './check.js';

const ANSWER_MS = 10_000;
/** The header tells whole seconds: the middle of the one it names is meant. */
const HALF_SECOND_MS = 500;

const Health = z.object({
  up: z.boolean(),
  contract: z.int().optional(),
  contractOldest: z.int().optional(),
});
type Health = z.infer<typeof Health>;

export const managerCheck: DelegateCheck = {
  name: 'manager',
  look: async ({ config, enrolment }) => {
    if (enrolment === undefined) return [skipped(NOT_ENROLLED)];
    const { managerUrl } = enrolment;
    const askedAt = Date.now();
    let answer: ManagerAnswer;
    try {
      answer = await callManager(
        routeAt(managerUrl, 'health'),
        { method: 'GET', timeoutMs: ANSWER_MS },
        config,
      );
    } catch (error) {
      const mend =
        'Enrolment and rotation need it, tasks do not: open the way to it, trust its authority with SALLYPORT_GIT_CA_FILE, or use a proxy with SALLYPORT_GIT_PROXY_URL';
      return [wrong(`${managerUrl} cannot be reached: ${reasonOf(error)}`, mend)];
    }
    const between = (askedAt + Date.now()) / 2;
    const body = Health.safeParse(answer.body);
    if (!body.success)
      return [
        wrong(
          `${managerUrl} answers ${answer.status}, and not as a manager does`,
          'Check that no proxy answers in its place, and that the address is the manager’s: enrol again at the right one',
        ),
      ];
    return [
      judgeManager(managerUrl, body.data),
      { name: 'clock', ...judgeClock(answer.date, between) },
      { name: 'contract', ...judgeContract(body.data) },
    ];
  },
};

function judgeManager(manager: string, { up }: Health): Finding {
  if (up) return ok(`${manager} is up`);
  return wrong(`${manager} answers that it is down`, 'Tell its operators: its database does not answer');
}

/** `date`: the header of an answer; `now`: this side's clock when it was written. */
export function judgeClock(date: string | null, now: number): Finding {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs))
    return note('the manager’s answer does not say its time', 'Compare the clocks by hand');
  const aheadMs = now - (theirs + HALF_SECOND_MS);
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const found = `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the manager’s`;
  const mend = `Set this machine’s clock by a time server: tasks are refused beyond ${clockSkewMaxMs / 1_000} s`;
  if (Math.abs(aheadMs) > clockSkewMaxMs) return wrong(found, mend);
  return Math.abs(aheadMs) > clockSkewMaxMs / 2 ? note(found, mend) : ok(found);
}

export function judgeContract({ contract, contractOldest: oldest = contract }: Omit<Health, 'up'>): Finding {
  if (contract === undefined || oldest === undefined)
    return note('the manager does not say which contract it speaks', 'Upgrade the manager');
  const found = `the manager speaks ${oldest} to ${contract}, this delegate ${contractOldest} to ${contractVersion}`;
  if (contract < contractOldest) return wrong(found, 'Upgrade the manager');
  if (oldest > contractVersion) return wrong(found, 'Upgrade this delegate');
  return ok(found);
}
