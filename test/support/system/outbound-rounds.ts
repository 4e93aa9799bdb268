/** The outbound steps of one object on a real database: Salesforce is what the test says it is. */

import type { ChangeMessage } from '../../../core/contracts/change-message.ts';
import type { OutcomeLine } from '../../../core/contracts/outbound-tasks.ts';
import type { ObjectMapping, SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { type Decided, decideBatch } from '../../../steps/decide.ts';
import { receive } from '../../../steps/receive.ts';
import { settleBatch } from '../../../steps/settle.ts';
import type { StepContext } from '../../../steps/step.ts';
import { chosenRecords, contextOf, SILENT } from './steps.ts';

export const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';

type Chosen = readonly { readonly id: string; readonly revision: number }[];
type Found = SalesforceVersion | undefined;

export class OutboundRounds {
  readonly mapping: ObjectMapping;
  /** Messages of transactions that were not visible yet. */
  readonly sentAgain: ChangeMessage[] = [];
  readonly #context: StepContext;
  #moment = Date.UTC(2026, 0, 2);

  private constructor(session: Session, configuration: SyncConfiguration, object: string) {
    this.#context = contextOf(session, configuration, object, EXECUTION);
    this.mapping = this.#context.mapping;
  }

  static async begin(session: Session, configuration: SyncConfiguration, object: string): Promise<OutboundRounds> {
    await takeLease(session, object, EXECUTION, async () => true);
    return new OutboundRounds(session, configuration, object);
  }

  /** RECEIVE of messages, and COLLECT. */
  async collect(...messages: readonly Partial<ChangeMessage>[]): Promise<Chosen> {
    const waiting = messages.map((message, i) => ({
      receiptHandle: String(i),
      message: {
        object: this.mapping.object,
        keys: [],
        position: '0/1',
        committedAt: '2026-01-01T00:00:00Z',
        transactions: [],
        ...message,
      },
    }));
    const queue = {
      receive: async () => waiting.splice(0, 10),
      delete: async () => undefined,
      handBack: async () => undefined,
      sendAgain: async (message: ChangeMessage) => {
        this.sentAgain.push(message);
      },
    };
    const ports = { queue: queue as never, log: SILENT };
    await receive(this.#context, ports, { waitSeconds: 0, lease: true });
    return chosenRecords(this.#context, { flowFenced: true });
  }

  /** RECEIVE of the keys, and COLLECT. */
  collectKeys(...keys: readonly string[]): Promise<Chosen> {
    return this.collect({ keys: keys.map((key) => [key, 'update']) });
  }

  decide(batch: Chosen, look: (id: string) => Found, batchId = 'one-0') {
    const looks = batch.map((record) => ({ ...record, version: look(record.id) }));
    const at = this.#next();
    return decideBatch(this.#context, batchId, looks, { readAt: at, now: at });
  }

  /** SETTLE of pushes that Salesforce accepted, but for those whose answers are given. */
  settle(
    pushes: readonly Decided[],
    readBack: (id: string) => Found,
    answers: readonly OutcomeLine[] = [],
    batchId = 'one-0',
  ) {
    const at = this.#next();
    const accepted = pushes.map(({ id }): [string, OutcomeLine] => [id, { id, outcome: 'accepted' }]);
    return settleBatch(
      this.#context,
      batchId,
      pushes.map(({ id, revision }) => ({ id, revision, version: readBack(id) })),
      {
        outcomes: new Map([...accepted, ...answers.map((line): [string, OutcomeLine] => [line.id, line])]),
        flowFailures: undefined,
        readAt: at,
        now: at,
      },
    );
  }

  #next(): number {
    this.#moment += 1000;
    return this.#moment;
  }
}
