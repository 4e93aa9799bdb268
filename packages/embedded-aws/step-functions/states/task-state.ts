import { TIMED_OUT, within } from '../clock.ts';
import type { TaskState } from '../definition/definition.ts';
import type { HistoryDetails } from '../executions/history.ts';
import { NOT_TRUNCATED } from '../executions/history.ts';
import { runTaskResource } from '../integrations/integrations.ts';
import type { RunnableResource } from '../integrations/task-resource.ts';
import { dataLimitText, StateFailure, TaskFailure } from './failure.ts';
import { runGuarded } from './guarded.ts';
import type { Json } from './json.ts';
import { exceedsDataLimit } from './json.ts';
import type { Transition, Visit } from './visit.ts';

export function runTask(state: TaskState, visit: Visit): Promise<Transition> {
  return runGuarded(state, visit, async () => {
    const result = await callTask(state, visit);
    return visit.leave(state, result, { result });
  });
}

/** The history events of a task: a function by its ARN has a set of its own. */
interface TaskEvents {
  scheduled(args: Json, limits: HistoryDetails): void;
  started(): void;
  succeeded(output: Json): void;
  failed(error: string, cause: string): void;
  timedOut(error: string): void;
}

async function callTask(state: TaskState, visit: Visit): Promise<Json> {
  const { run, signal } = visit.frame;
  const args = state.arguments === undefined ? visit.input : await visit.evaluate(state.arguments, 'Arguments');
  const timeoutSeconds = await visit.number(state.timeoutSeconds, 'TimeoutSeconds', 1);
  const heartbeatSeconds = await visit.number(state.heartbeatSeconds, 'HeartbeatSeconds', 1);
  const roleArn =
    state.roleArn === undefined
      ? run.execution.roleArn
      : String(await visit.evaluateAs(state.roleArn, 'Credentials/RoleArn', 'string'));
  const events = taskEvents(state.task, visit);
  // Heartbeats are sent by callbacks and activities only, so for these tasks the limit is described but cannot be missed.
  events.scheduled(args, {
    ...(timeoutSeconds === undefined ? {} : { timeoutInSeconds: timeoutSeconds }),
    ...(heartbeatSeconds === undefined ? {} : { heartbeatInSeconds: heartbeatSeconds }),
  });
  events.started();
  const context = {
    aws: run.aws,
    caller: { principal: roleArn },
    executionArn: run.execution.arn,
    machineArn: run.machine.arn,
  };
  const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000;
  let result: Json | typeof TIMED_OUT;
  try {
    result = await within(runTaskResource(state.task, args, context), timeoutMs, run.clock, signal);
  } catch (error) {
    if (!(error instanceof TaskFailure)) throw error;
    events.failed(error.error, error.reason);
    throw new StateFailure(error.error, error.reason);
  }
  if (result === TIMED_OUT) {
    events.timedOut('States.Timeout');
    throw new StateFailure('States.Timeout', undefined);
  }
  if (exceedsDataLimit(result)) {
    const failure = new TaskFailure('States.DataLimitExceeded', dataLimitText(state.resource));
    events.failed(failure.error, failure.reason);
    throw new StateFailure(failure.error, failure.reason);
  }
  events.succeeded(result);
  return result;
}

function taskEvents(resource: RunnableResource, visit: Visit): TaskEvents {
  if (resource.kind === 'function') {
    return {
      scheduled: (args, limits) =>
        visit.record('LambdaFunctionScheduled', {
          resource: resource.functionArn,
          input: JSON.stringify(args),
          inputDetails: NOT_TRUNCATED,
          ...limits,
        }),
      started: () => visit.record('LambdaFunctionStarted'),
      succeeded: (output) =>
        visit.record('LambdaFunctionSucceeded', { output: JSON.stringify(output), outputDetails: NOT_TRUNCATED }),
      failed: (error, cause) => visit.record('LambdaFunctionFailed', { error, cause }),
      timedOut: (error) => visit.record('LambdaFunctionTimedOut', { error }),
    };
  }
  const names = { resourceType: resource.resourceType, resource: resource.action };
  return {
    scheduled: (args, limits) =>
      visit.record('TaskScheduled', {
        ...names,
        region: visit.frame.run.aws.region,
        parameters: JSON.stringify(args),
        ...limits,
      }),
    started: () => visit.record('TaskStarted', names),
    succeeded: (output) =>
      visit.record('TaskSucceeded', { ...names, output: JSON.stringify(output), outputDetails: NOT_TRUNCATED }),
    failed: (error, cause) => visit.record('TaskFailed', { ...names, error, cause }),
    timedOut: (error) => visit.record('TaskTimedOut', { ...names, error }),
  };
}
