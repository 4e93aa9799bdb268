/** What the embedded AWS has written down, read beside it: all of it in a moment, however much there is by now. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Events and calls that were accepted and are not delivered yet. */
const DELIVERIES = ['s3_event', 'events_delivery', 'sns_delivery', 'lambda_event'];
/** A queue that a test listens with; see support/system/traffic.ts. */
const TAP = 'tap';

export interface DeadLetter {
  readonly queue: string;
  readonly body: string;
  readonly at: number;
}

export class AwsStore {
  readonly #file: string;

  constructor(stateDirectory: string) {
    this.#file = join(stateDirectory, 'aws', 'store.sqlite');
  }

  /** What is not at rest, in words without values. An execution of the outbound machine that runs does no harm: it watches its queue. */
  underWay(outboundMachine: string, outboundFlows: readonly string[]): string[] {
    return this.#read((store) => {
      const running = store
        .prepare(`select machine_name, name from sfn_execution where status = 'RUNNING' and machine_arn <> ?`)
        .all(outboundMachine)
        .map((row) => `execution ${row.machine_name} ${row.name}`);
      const deliveries = DELIVERIES.flatMap((table) => {
        const count = Number(store.prepare(`select count(*) as n from ${table}`).get()?.n);
        return count === 0 ? [] : [`${count} in ${table}`];
      });
      const pushes = store
        .prepare(`select flow_name from appflow_execution where status in ('InProgress', 'CancelStarted')`)
        .all()
        .flatMap(({ flow_name }) => (outboundFlows.includes(String(flow_name)) ? [`run of ${flow_name}`] : []));
      return [...running, ...deliveries, ...pushes];
    });
  }

  /** How many runs of the flow were begun after the moment and have succeeded. */
  runsSince(flow: string, moment: number): number {
    return this.#read((store) =>
      Number(
        store
          .prepare(
            `select count(*) as n from (select status, started_at from appflow_execution where flow_name = ? order by sequence desc
              limit 50) where status = 'Successful' and started_at * 1000 > ?`,
          )
          .get(flow, moment)?.n,
      ),
    );
  }

  /** Messages by queue, those that are received or delayed included; empty queues are left out. */
  messages(): Record<string, number> {
    return this.#read((store) => {
      const rows = store
        .prepare('select queue, count(*) as n from sqs_message where queue <> ? group by queue')
        .all(TAP);
      return Object.fromEntries(rows.map(({ queue, n }) => [String(queue), Number(n)]));
    });
  }

  bodiesIn(queues: readonly string[]): DeadLetter[] {
    return this.#read((store) =>
      store
        .prepare('select queue, body, sent_at from sqs_message where queue <> ? order by sequence')
        .all(TAP)
        .filter(({ queue }) => queues.includes(String(queue)))
        .map(({ queue, body, sent_at }) => ({ queue: String(queue), body: String(body), at: Number(sent_at) })),
    );
  }

  lastExecution(): number {
    return this.#read((store) => Number(store.prepare('select max(sequence) as n from sfn_execution').get()?.n ?? 0));
  }

  /** What is found in executions since then: in what went in and came out, and in each event of their histories. */
  executionsSince<T>(
    since: number,
    look: (found: { readonly where: string; readonly text: string }) => readonly T[],
  ): T[] {
    return this.#read((store) => {
      const whole = store
        .prepare(
          `select machine_name, name, concat_ws(char(10), input, output, cause) as text from sfn_execution where sequence > ?`,
        )
        .iterate(since);
      const events = store
        .prepare(
          `select machine_name, name, details as text from sfn_event e join sfn_execution x on x.sequence = e.execution where e.execution > ?`,
        )
        .iterate(since);
      const found: T[] = [];
      for (const rows of [whole, events]) {
        for (const { machine_name, name, text } of rows)
          found.push(...look({ where: `execution ${machine_name} ${name}`, text: String(text ?? '') }));
      }
      return found;
    });
  }

  /** Opened for each look: a killed writer's log is then read, too. */
  #read<T>(look: (store: DatabaseSync) => T): T {
    if (!existsSync(this.#file)) throw new Error(`The embedded AWS has no store at ${this.#file}`);
    const store = new DatabaseSync(this.#file, { readOnly: true, timeout: 5_000 });
    try {
      return look(store);
    } finally {
      store.close();
    }
  }
}
