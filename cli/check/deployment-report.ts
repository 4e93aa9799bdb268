/** What `sfsync check` prints of the queues and flows. Pure: values in, lines out. */
import type { DeploymentStatus, FailedExecutions, FlowState, ObjectPipelines } from '../../aws/pipelines.ts';
import type { ObjectStatus } from '../../postgres/prepare/status.ts';
import { aligned, type StatusReport } from '../report.ts';
import { plural } from '../terminal.ts';

/** From then on changes that wait are looked at: the schedule receives every five minutes. */
const LONG_MS = 15 * 60_000;

/** What the ledger knows of an object's change queue. */
type Emptied = Pick<ObjectStatus, 'object' | 'queueEmptied'>;

/** `now`: milliseconds since 1970, for how long things wait. */
export function describeDeployment(status: DeploymentStatus, ledger: readonly Emptied[], now: number): StatusReport {
  const emptied = new Map(ledger.map(({ object, queueEmptied }) => [object, queueEmptied ?? undefined]));
  const lines = aligned([
    [
      'object',
      'changes waiting',
      'since at most',
      'in flight',
      'dead letters',
      'inbound flow',
      'last run',
      'outbound flow',
    ],
    ...status.objects.map(({ object, changes, deadLetters, inboundFlow, outboundFlow }) => [
      object,
      changes === undefined ? '-' : String(changes.waiting),
      (changes?.waiting ?? 0) === 0 ? '-' : agoOf(emptied.get(object), now),
      changes === undefined ? '-' : String(changes.inFlight),
      changes === undefined ? '-' : String(deadLetters),
      inboundFlow?.status ?? 'missing',
      inboundFlow?.lastRun === undefined ? '-' : `${ago(inboundFlow.lastRun.at, now)} ago`,
      outboundFlow?.status ?? '-',
    ]),
    ['', ''],
    ['pipeline', 'failed executions', 'oldest', 'undelivered events'],
    ...status.executions.map(({ pipeline, waiting, some: [oldest], undeliveredEvents }) => [
      pipeline,
      String(waiting),
      oldest === undefined ? '-' : ago(oldest.since, now),
      String(undeliveredEvents),
    ]),
  ]);
  const notices = status.undeliveredNotices;
  return {
    lines: ['', ...lines],
    faults: [
      ...status.objects.flatMap((each) => objectFaults(each, emptied.get(each.object), now)),
      ...status.executions.flatMap((each) => executionFaults(each, now)),
      ...(notices === 0 ? [] : [`${plural(notices, 'notice')} could not be delivered: \`sfsync redrive events\``]),
    ],
  };
}

function objectFaults(
  { object, changes, deadLetters, inboundFlow, outboundFlow }: ObjectPipelines,
  emptied: Date | undefined,
  now: number,
): string[] {
  const faults: string[] = [];
  if (changes !== undefined && changes.waiting > 0 && emptied !== undefined && now - emptied.getTime() > LONG_MS) {
    faults.push(
      `${object}: ${plural(changes.waiting, 'message')} of changes may wait since ${agoOf(emptied, now)}, when the queue was last empty: look at the executions of postgres-to-salesforce`,
    );
  }
  if (deadLetters > 0) {
    faults.push(
      `${object}: ${plural(deadLetters, 'dead letter')} of changes: \`sfsync redrive changes\` when the cause is mended`,
    );
  }
  if (inboundFlow === undefined) faults.push(`${object}: there is no inbound flow: deploy the stack`);
  for (const flow of [inboundFlow, outboundFlow]) if (flow !== undefined) faults.push(...flowFaults(object, flow));
  return faults;
}

function flowFaults(object: string, { name, status, reason, lastRun }: FlowState): string[] {
  if (status !== 'Active') {
    const why = reason === undefined ? '' : ` (${reason})`;
    return [
      `${object}: flow ${name} is ${status}${why}: nothing runs through it; \`aws appflow start-flow --flow-name ${name}\` when the cause is mended`,
    ];
  }
  if (lastRun?.status !== 'Error') return [];
  return [`${object}: the last run of flow ${name} failed: ${lastRun.message ?? 'AppFlow gives no reason'}`];
}

function executionFaults({ pipeline, waiting, some, undeliveredEvents }: FailedExecutions, now: number): string[] {
  const faults: string[] = [];
  if (waiting > 0) {
    const named = some.map(({ execution, since }) => `${execution} (${ago(since, now)})`).join(', ');
    faults.push(
      `${pipeline}: ${plural(waiting, 'failed execution')} ${waiting === 1 ? 'waits' : 'wait'} for a redrive: ${named || 'another command is looking at them'}: \`sfsync redrive executions\``,
    );
  }
  if (undeliveredEvents > 0) {
    faults.push(`${pipeline}: ${plural(undeliveredEvents, 'event')} started no execution: \`sfsync redrive events\``);
  }
  return faults;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

function agoOf(since: Date | undefined, now: number): string {
  return since === undefined ? 'not known' : ago(since, now);
}

/** `3 d`, `2 h`, `5 min`, `12 s`. */
function ago(since: Date, now: number): string {
  const passed = Math.max(0, now - since.getTime());
  const [unit, length] = UNITS.find(([, each]) => passed >= each) ?? ['s', 1000];
  return `${Math.floor(passed / length)} ${unit}`;
}
