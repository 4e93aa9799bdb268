/** What `sfsync check` prints of the queues and flows. Pure: values in, lines out. */
import type { DeploymentStatus, FailedExecutions, FlowState, ObjectPipelines } from '../../aws/pipelines.ts';
import { aligned, type StatusReport } from '../report.ts';
import { plural } from '../terminal.ts';

/** `now`: milliseconds since 1970, for how long things wait. */
export function describeDeployment(status: DeploymentStatus, now: number): StatusReport {
  const lines = aligned([
    ['object', 'changes waiting', 'in flight', 'dead letters', 'inbound flow', 'last run', 'outbound flow'],
    ...status.objects.map(({ object, changes, deadLetters, inboundFlow, outboundFlow }) => [
      object,
      String(changes.waiting),
      String(changes.inFlight),
      String(deadLetters),
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
      ...status.objects.flatMap(objectFaults),
      ...status.executions.flatMap((each) => executionFaults(each, now)),
      ...(notices === 0 ? [] : [`${plural(notices, 'notice')} could not be delivered: \`sfsync redrive events\``]),
    ],
  };
}

function objectFaults({ object, deadLetters, inboundFlow, outboundFlow }: ObjectPipelines): string[] {
  const faults: string[] = [];
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

/** `3 d`, `2 h`, `5 min`, `12 s`. */
function ago(since: Date, now: number): string {
  const passed = Math.max(0, now - since.getTime());
  const [unit, length] = UNITS.find(([, each]) => passed >= each) ?? ['s', 1000];
  return `${Math.floor(passed / length)} ${unit}`;
}
