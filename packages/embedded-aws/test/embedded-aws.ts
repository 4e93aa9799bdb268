import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { type Authorize, createEndpoint } from '../endpoint.ts';
import { Faults } from '../faults/faults.ts';
import { createJournal } from '../journal.ts';
import { S3 } from '../s3/service.ts';
import {
  AwsError,
  CONSOLE,
  type EmbeddedAws,
  type JournalEntry,
  type Operations,
  type ServiceName,
} from '../service.ts';
import { Sqs } from '../sqs/service.ts';
import { openStore } from '../store.ts';

interface Service {
  readonly operations: Operations;
  close?(): void;
}

export interface TestAws extends AsyncDisposable {
  readonly aws: EmbeddedAws;
  readonly store: DatabaseSync;
  /** Bodies of objects are under `objects`. */
  readonly directory: string;
  readonly journal: readonly JournalEntry[];
  /** What the event bus was given. */
  readonly events: Record<string, unknown>[];
  /** For SDK clients: nothing but address and keys, all else is their default. */
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Moves the clock on. */
  advance(milliseconds: number): void;
  /** As if the process had been killed and started again: the same store and files, new services, a new port. */
  restart(): Promise<TestAws>;
}

interface TestAwsOptions {
  /** Further services, made over the same store. */
  readonly services?: (aws: EmbeddedAws, store: DatabaseSync) => Partial<Record<ServiceName, Service>>;
  readonly authorize?: Authorize;
  /** Stands for the event bus; throws when it is to fail. */
  readonly publish?: (event: Record<string, unknown>) => void;
}

/** The endpoint with SQS, S3 and an event bus that only notes what it gets. */
export function startTestAws(options: TestAwsOptions = {}): Promise<TestAws> {
  return start(options, mkdtempSync(join(tmpdir(), 'embedded-aws-')), 0);
}

async function start(options: TestAwsOptions, directory: string, clockOffset: number): Promise<TestAws> {
  const store = openStore(join(directory, 'store.db'));
  const entries: JournalEntry[] = [];
  const events: Record<string, unknown>[] = [];
  const journal = createJournal();
  journal.subscribe((entry) => entries.push(entry));
  let offset = clockOffset;
  let origin = '';
  const services = new Map<ServiceName, Service>();
  const faults = new Faults(() => 1);
  const aws: EmbeddedAws = {
    region: 'eu-west-1',
    get origin() {
      return origin;
    },
    journal,
    measure: () => undefined,
    now: () => Date.now() + offset,
    faults,
    async call<Output>(service: ServiceName, operation: string, input: object, caller = CONSOLE) {
      const found = services.get(service)?.operations[operation];
      if (found === undefined) throw new AwsError('UnknownOperationException', `${service} has no ${operation}`);
      return (await found(input as never, caller)) as Output;
    },
  };
  const s3 = new S3(aws, store, { directory: join(directory, 'objects') });
  const bus = {
    operations: {
      PublishServiceEvent: (event: Record<string, unknown>) => {
        options.publish?.(event);
        events.push(event);
      },
    },
  };
  const made: Partial<Record<ServiceName, Service>> = {
    sqs: new Sqs(aws, store),
    s3,
    events: bus,
    ...options.services?.(aws, store),
  };
  for (const [name, service] of Object.entries(made)) services.set(name as ServiceName, service);
  const { s3: _, ...others } = made;
  const endpoint = await createEndpoint({
    services: others,
    s3,
    journal,
    faults,
    callerOf: (key) => (key === undefined ? CONSOLE : { principal: key }),
    ...(options.authorize !== undefined && { authorize: options.authorize }),
    port: 0,
  });
  origin = endpoint.origin;
  s3.start();
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    for (const service of services.values()) service.close?.();
    await endpoint.close();
    store.close();
  };
  return {
    aws,
    store,
    directory,
    journal: entries,
    events,
    client: { endpoint: origin, region: 'eu-west-1', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } },
    advance(milliseconds) {
      offset += milliseconds;
    },
    async restart() {
      await stop();
      return start(options, directory, offset);
    },
    async [Symbol.asyncDispose]() {
      const hadStopped = isStopped;
      await stop();
      // After a restart the directory is the next one's.
      if (!hadStopped) rmSync(directory, { recursive: true, force: true });
    },
  };
}
