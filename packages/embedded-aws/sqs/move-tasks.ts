import { randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AwsError, type EmbeddedAws } from '../service.ts';
import type { Arrivals } from './arrivals.ts';
import { boundedInteger, invalidParameter, missingParameter, resourceNotFound } from './errors.ts';
import type { Messages } from './messages.ts';
import type { Queue, Queues } from './queues.ts';

type Status = 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';

interface MoveTask {
  readonly id: string;
  readonly sourceArn: string;
  /** Left out: each message goes back to the queue it came from. */
  readonly destinationArn: string | undefined;
  /** Messages per second; undefined is as fast as it goes. */
  readonly rate: number | undefined;
  readonly startedAt: number;
  readonly toMove: number;
  /** Only what had arrived by the start is moved: what comes back as a dead letter again is not moved in circles. */
  readonly lastArrival: number;
  moved: number;
  status: Status;
  failure: string | undefined;
}

/** Between two looks at the event loop when no rate is set. */
const CHUNK = 100;

/** Message move tasks: redriving a dead-letter queue. A running task goes on after a restart. */
export class MoveTasks {
  readonly #aws: EmbeddedAws;
  readonly #queues: Queues;
  readonly #messages: Messages;
  readonly #arrivals: Arrivals;
  readonly #save: StatementSync;
  readonly #tasks: MoveTask[];
  /** Ends the pause between two messages of a task with a rate. */
  readonly #wake = new Map<string, () => void>();
  #closed = false;

  constructor(aws: EmbeddedAws, store: DatabaseSync, queues: Queues, messages: Messages, arrivals: Arrivals) {
    this.#aws = aws;
    this.#queues = queues;
    this.#messages = messages;
    this.#arrivals = arrivals;
    store.exec('CREATE TABLE IF NOT EXISTS sqs_move_task (id TEXT PRIMARY KEY, task TEXT NOT NULL) STRICT');
    this.#save = store.prepare('INSERT OR REPLACE INTO sqs_move_task (id, task) VALUES (?, ?)');
    const rows = store.prepare('SELECT task FROM sqs_move_task ORDER BY rowid').all();
    this.#tasks = rows.map((row) => JSON.parse(String(row.task)) as MoveTask);
    for (const task of this.#tasks) if (isActive(task)) this.#start(task);
  }

  startMessageMoveTask(input: {
    readonly SourceArn?: string;
    readonly DestinationArn?: string;
    readonly MaxNumberOfMessagesPerSecond?: number;
  }): object {
    const source = this.#source(input.SourceArn);
    if (this.#queues.sourcesOf(source.arn).length === 0) {
      throw invalidParameter('Source queue must be configured as a Dead Letter Queue.');
    }
    const destinationArn = input.DestinationArn;
    if (destinationArn !== undefined && this.#queues.byArn(destinationArn) === undefined) {
      throw notThere('DestinationArn');
    }
    if (destinationArn === source.arn) {
      throw invalidParameter('Source queue arn and destination queue arn cannot be the same.');
    }
    const rate = boundedInteger(input.MaxNumberOfMessagesPerSecond, 'MaxNumberOfMessagesPerSecond', 1, 500);
    if (this.#tasks.some((task) => task.sourceArn === source.arn && isActive(task))) {
      throw invalidParameter(
        'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
      );
    }
    const startedAt = this.#aws.now();
    const task: MoveTask = {
      id: randomUUID(),
      sourceArn: source.arn,
      destinationArn,
      rate,
      startedAt,
      toMove: this.#messages.counts(source, startedAt).visible,
      lastArrival: this.#messages.lastArrival(source),
      moved: 0,
      status: 'RUNNING',
      failure: undefined,
    };
    this.#tasks.push(task);
    this.#store(task);
    this.#start(task);
    return { TaskHandle: handleOf(task) };
  }

  listMessageMoveTasks(input: { readonly SourceArn?: string; readonly MaxResults?: number }): object {
    const source = this.#source(input.SourceArn);
    const limit = boundedInteger(input.MaxResults, 'MaxResults', 1, 10) ?? 1;
    const newestFirst = this.#tasks.filter((task) => task.sourceArn === source.arn).reverse();
    return { Results: newestFirst.slice(0, limit).map(shown) };
  }

  cancelMessageMoveTask(input: { readonly TaskHandle?: string }): object {
    if (!input.TaskHandle) throw missingParameter('TaskHandle');
    const { taskId, sourceArn } = parseHandle(input.TaskHandle);
    this.#source(sourceArn);
    const task = this.#tasks.find((candidate) => candidate.id === taskId);
    if (task === undefined) throw resourceNotFound('Task does not exist.');
    if (task.status !== 'RUNNING') throw invalidParameter('Only active tasks can be cancelled.');
    task.status = 'CANCELLING';
    this.#store(task);
    this.#wake.get(task.id)?.();
    return { ApproximateNumberOfMessagesMoved: task.moved };
  }

  /** Stops moving; what is running goes on at the next start. */
  close(): void {
    this.#closed = true;
    for (const wake of [...this.#wake.values()]) wake();
  }

  #source(arn: unknown): Queue {
    if (!arn) throw missingParameter('SourceArn');
    const queue = this.#queues.byArn(arn);
    if (queue === undefined) throw notThere('SourceArn');
    return queue;
  }

  #store(task: MoveTask): void {
    this.#save.run(task.id, JSON.stringify(task));
  }

  #start(task: MoveTask): void {
    this.#run(task).catch((error: unknown) => {
      this.#end(task, 'FAILED', error instanceof AwsError ? error.code : 'InternalError');
      const text = `message move task failed: ${String(error)}`;
      this.#aws.journal.record({ kind: 'fault', subject: task.sourceArn, text });
    });
  }

  async #run(task: MoveTask): Promise<void> {
    for (;;) {
      // Before each move, so that the caller has its handle first, and no second sees more messages than the rate.
      if (task.rate === undefined) await nextTurn();
      else await this.#pause(task, 1_000 / task.rate);
      if (this.#closed) return;
      if (task.status === 'CANCELLING') return this.#end(task, 'CANCELLED');
      const source = this.#queues.byArn(task.sourceArn);
      if (source === undefined) return this.#end(task, 'FAILED', NO_QUEUE);
      const limit = task.rate === undefined ? CHUNK : 1;
      const due = this.#messages.redrivable(source, this.#aws.now(), task.lastArrival, limit);
      if (due.length === 0) return this.#end(task, 'COMPLETED');
      for (const { sequence, source: origin } of due) {
        const target = this.#queues.byArn(task.destinationArn ?? origin);
        if (target === undefined) return this.#end(task, 'FAILED', NO_QUEUE);
        this.#messages.redrive(sequence, target, randomUUID(), this.#aws.now());
        this.#arrivals.announce(target.name);
        task.moved += 1;
      }
      this.#store(task);
    }
  }

  #pause(task: MoveTask, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wake.delete(task.id);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#wake.set(task.id, wake);
    });
  }

  #end(task: MoveTask, status: Status, failure?: string): void {
    task.status = status;
    task.failure = failure;
    this.#store(task);
  }
}

const NO_QUEUE = 'AWS.SimpleQueueService.NonExistentQueue';

function isActive(task: MoveTask): boolean {
  return task.status === 'RUNNING' || task.status === 'CANCELLING';
}

function notThere(parameter: string): AwsError {
  return resourceNotFound(`The resource that you specified for the ${parameter} parameter doesn't exist.`);
}

function shown(task: MoveTask): object {
  return {
    // Only a running task can be cancelled, so only it shows its handle.
    TaskHandle: task.status === 'RUNNING' ? handleOf(task) : undefined,
    Status: task.status,
    SourceArn: task.sourceArn,
    DestinationArn: task.destinationArn,
    MaxNumberOfMessagesPerSecond: task.rate,
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.toMove,
    FailureReason: task.failure,
    StartedTimestamp: task.startedAt,
  };
}

function handleOf(task: MoveTask): string {
  return Buffer.from(JSON.stringify({ taskId: task.id, sourceArn: task.sourceArn }), 'utf8').toString('base64');
}

function parseHandle(handle: string): { taskId: string; sourceArn: string } {
  try {
    const value: unknown = JSON.parse(Buffer.from(handle, 'base64').toString('utf8'));
    if (typeof value === 'object' && value !== null && 'taskId' in value && 'sourceArn' in value) {
      return { taskId: String(value.taskId), sourceArn: String(value.sourceArn) };
    }
  } catch (error) {
    // Anything but our own JSON is simply not a handle.
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalidParameter('Value for parameter TaskHandle is invalid.');
}
