/** Everything that travels through the queues and over the event bus of a running local system. */
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { LocalSystem } from '../../../local/system.ts';

const TAP = 'tap';

export class Traffic {
  #bodies: string[] = [];
  readonly #store: DatabaseSync;
  readonly #newer: StatementSync;
  #last = 0;

  private constructor(system: LocalSystem) {
    this.#store = new DatabaseSync(join(system.directory, 'aws', 'store.sqlite'), { readOnly: true });
    this.#newer = this.#store.prepare('select sequence, body from sqs_message where sequence > ? order by sequence');
    // The journal has a message as soon as it lies in its queue, before a consumer can have received it.
    system.journal.subscribe(({ kind }) => {
      if (kind === 'message-sent') this.#read();
    });
    this.#read();
  }

  /** Begins to listen. All events go into one more queue, in which they stay. */
  static async tap(system: LocalSystem): Promise<Traffic> {
    const { QueueUrl } = await system.call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: TAP });
    type Answer = { Attributes: { QueueArn: string } };
    const { Attributes } = await system.call<Answer>('sqs', 'GetQueueAttributes', {
      QueueUrl,
      AttributeNames: ['QueueArn'],
    });
    const account = Attributes.QueueArn.split(':')[4];
    await system.call('events', 'PutRule', { Name: TAP, EventPattern: JSON.stringify({ account: [account] }) });
    await system.call('events', 'PutTargets', { Rule: TAP, Targets: [{ Id: TAP, Arn: Attributes.QueueArn }] });
    return new Traffic(system);
  }

  /** Bodies of all messages, those of events whole, in the order in which they were sent. */
  get bodies(): readonly string[] {
    return this.#bodies;
  }

  /** Those that were not taken before. */
  take(): readonly string[] {
    const taken = this.#bodies;
    this.#bodies = [];
    return taken;
  }

  end(): void {
    this.#store.close();
  }

  #read(): void {
    if (!this.#store.isOpen) return;
    for (const { sequence, body } of this.#newer.all(this.#last)) {
      this.#bodies.push(String(body));
      this.#last = Number(sequence);
    }
  }
}
