/** A database of the sample for each test, and streams on its slot whose way to the server the test holds. */
import { afterAll, afterEach, beforeEach, expect, vi } from 'vitest';
import { type Lsn, parseLsn } from '../../core/contracts/lsn.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { useLenderDatabase } from '../support/postgres/lender-database.ts';
import { ReplicationWire } from '../support/postgres/replication-wire.ts';
import { type RunningStream, startStream } from './running-stream.ts';

export const OBJECTS = ['Account', 'Contact', 'Opportunity'];

/** The test says from now on how time passes. */
export function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
}

export const elapse = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** The position of the last message that was accepted. */
export const newest = ({ queues }: RunningStream) => parseLsn(queues.messages.at(-1)?.position ?? '0/0');

export function useStreamedLender() {
  const lender = useLenderDatabase('test');
  let wire: ReplicationWire | undefined;
  // A test that waits for what does not come is not waited for as long as one that has much to do.
  vi.setConfig({ testTimeout: 20_000 });
  afterAll(() => vi.resetConfig());
  beforeEach(async () => {
    wire = await ReplicationWire.to(lender.credentials.port);
  });
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    await wire?.[Symbol.asyncDispose]();
  });
  const opened = () => wire ?? expect.unreachable('there is no wire before the first test');

  async function lsnOf(sql: string): Promise<Lsn> {
    const [row] = await lender.rows(`select (${sql})::text as lsn`);
    return parseLsn(row?.lsn ?? '0/0');
  }

  return {
    lender,
    get wire() {
      return opened();
    },
    /** A stream whose connections go over the wire. */
    started: () => startStream({ port: opened().port, database: lender.database.name }),
    lsnOf,
    walEnd: () => lsnOf('pg_current_wal_insert_lsn()'),
    /** How far the streamer has come, as it has written it down; zero: it has not. */
    writtenDown: () =>
      lsnOf(`select confirmed from sfsync.stream where slot = '${lender.database.name}'`).catch(() => 0n),
    /** Answers the key. */
    async insertLender(name = 'Northwind'): Promise<string> {
      const [row] = await lender.rows('insert into lenders (name) values ($1) returning id::text', [name]);
      return String(row?.id);
    },
    /** The server lets go of a slot a moment after its reader has gone. */
    async slotIsFree(): Promise<void> {
      const active = 'select from pg_replication_slots where slot_name = $1 and active';
      await expect.poll(() => lender.rows(active, [lender.database.name]), { timeout: 15_000 }).toEqual([]);
    },
    /** Connections of streams. */
    sessions: () =>
      lender.rows(`select from pg_stat_activity where datname = current_database() and usename = 'sfsync_streamer'`),
    /** Objects of which a comparison is due, and why. */
    async comparisonsDue() {
      const due = await dueComparisons(lender.application);
      return due.map(({ object, reasons }) => [object, ...reasons]);
    },
  };
}

/** Makes the statement fail for all rows of the table. */
export function refusing(statement: 'insert' | 'update', table: string): string {
  return `
    create function refuse() returns trigger language plpgsql as $$ begin raise 'no' using errcode = '42501'; end $$;
    create trigger refuse before ${statement} on ${table} for each row execute function refuse()`;
}
