import { Faults } from '../../faults/faults.ts';
import { AwsError, type EmbeddedAws, type JournalEntry } from '../../service.ts';
import type { Timers } from '../../timers.ts';

interface PublishedEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Buckets, a bus and a journal with memory, and a clock that stands still until it is set. */
export class FakeAws implements EmbeddedAws, Timers {
  readonly region = 'eu-central-1';
  readonly origin = 'http://127.0.0.1:0';
  readonly faults = new Faults(() => 1);
  /** By `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  readonly events: PublishedEvent[] = [];
  readonly #waiting = new Map<string, (event: PublishedEvent) => void>();
  readonly entries: Omit<JournalEntry, 'at'>[] = [];
  readonly callers = new Set<string>();
  /** Milliseconds since 1970. */
  clock = Date.parse('2026-01-31T12:00:00Z');
  readonly timers: { readonly at: number; readonly run: () => void }[] = [];
  #onTimer: () => void = () => {};
  listingPageSize = 1000;
  /** Errors that a service answers with. */
  readonly refusals = new Map<string, AwsError>();
  readonly journal = {
    record: (entry: Omit<JournalEntry, 'at'>) => void this.entries.push(entry),
    subscribe: () => () => {},
  };

  measure(): void {}

  now(): number {
    return this.clock;
  }

  /** Moves the clock on. */
  pass(seconds: number): void {
    this.clock += seconds * 1000;
  }

  /** The next event of this type. */
  nextEvent(detailType: string): Promise<PublishedEvent> {
    return new Promise((resolve) => this.#waiting.set(detailType, resolve));
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.clock + ms, run };
    this.timers.push(timer);
    this.#onTimer();
    return () => {
      const index = this.timers.indexOf(timer);
      if (index !== -1) this.timers.splice(index, 1);
    };
  }

  /** Moves the clock to the next timer, waiting until there is one, and runs it. */
  async nextTimer(): Promise<void> {
    if (this.timers.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onTimer = resolve;
      });
    }
    const timer = this.timers.shift();
    this.clock = Math.max(this.clock, timer?.at ?? 0);
    timer?.run();
  }

  /** Keys and texts of what lies in a bucket. */
  texts(bucket: string): Record<string, string> {
    const inside = [...this.objects].filter(([path]) => path.startsWith(`${bucket}/`));
    return Object.fromEntries(inside.map(([path, body]) => [path.slice(bucket.length + 1), body.toString()]));
  }

  async call<Output>(
    service: string,
    operation: string,
    input: object,
    caller?: { principal: string },
  ): Promise<Output> {
    if (caller) this.callers.add(caller.principal);
    const refusal = this.refusals.get(service);
    if (refusal) throw refusal;
    if (service === 'events' && operation === 'PublishServiceEvent') {
      const event = input as PublishedEvent;
      this.events.push(event);
      this.#waiting.get(event['detail-type'])?.(event);
      return {} as Output;
    }
    const { Bucket, Key, Prefix, Body, ContinuationToken } = input as Record<string, string> & { Body: Buffer };
    if (operation === 'PutObject') {
      this.objects.set(`${Bucket}/${Key}`, Body);
      return {} as Output;
    }
    if (operation === 'GetObject') {
      const body = this.objects.get(`${Bucket}/${Key}`);
      if (!body) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
      return { Body: body } as Output;
    }
    if (operation === 'ListObjectsV2') {
      const from = Number(ContinuationToken ?? 0);
      const all = [...this.objects]
        .filter(([path]) => path.startsWith(`${Bucket}/${Prefix}`))
        .map(([path, body]) => ({
          Key: path.slice(`${Bucket}/`.length),
          Size: body.length,
          LastModified: new Date(0),
        }));
      const Contents = all.slice(from, from + this.listingPageSize);
      const next = from + this.listingPageSize;
      return (
        next < all.length
          ? { Contents, IsTruncated: true, NextContinuationToken: String(next) }
          : { Contents, IsTruncated: false }
      ) as Output;
    }
    throw new Error(`${service} ${operation} is not part of this fake`);
  }
}
