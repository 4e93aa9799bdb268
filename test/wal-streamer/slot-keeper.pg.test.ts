import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
import { formatLsn, type Lsn, parseLsn } from '../../core/contracts/lsn.ts';
import type { OutputPlugin } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { dueComparisons } from '../../postgres/ledger/comparison.ts';
import { SlotKeeper } from '../../wal-streamer/slot-keeper.ts';
import {
  createLenderDatabaseApart,
  type LenderDatabase,
  useLenderDatabase,
} from '../support/postgres/lender-database.ts';
import { databaseOf } from './running-stream.ts';

const shared = useLenderDatabase('test');

const opened: SlotKeeper[] = [];
afterEach(async () => {
  for (const keeper of opened.splice(0)) await keeper.close();
});

type Lender = Omit<LenderDatabase, typeof Symbol.asyncDispose>;

async function keeperOf({ credentials, database }: Lender, plugin: OutputPlugin = 'pgoutput'): Promise<SlotKeeper> {
  const keeper = await SlotKeeper.open({
    configuration: { ...configuration, settings: { ...configuration.settings, plugin } },
    database: databaseOf({ port: credentials.port, database: database.name }),
    slot: database.name,
    names: DEFAULT_NAMES,
  });
  opened.push(keeper);
  return keeper;
}

const due = async ({ application }: Lender) =>
  (await dueComparisons(application)).map(({ object, reasons }) => [object, ...reasons]);

describe('a position', () => {
  const BEGUN = 1000n;

  /** A keeper that knows of a position, as `take` leaves it. */
  async function begun(): Promise<{ keeper: SlotKeeper; written: () => Promise<Lsn> }> {
    const { name } = shared.database;
    await shared.rows('insert into sfsync.stream (slot, confirmed) values ($1, $2)', [name, formatLsn(BEGUN)]);
    const keeper = await keeperOf(shared);
    const written = async () => {
      const [row] = await shared.rows('select confirmed::text from sfsync.stream where slot = $1', [name]);
      return parseLsn(row?.confirmed);
    };
    return { keeper, written };
  }

  test('is written down, and then answered', async () => {
    const { keeper, written } = await begun();
    expect(await keeper.write(2000n)).toBe(2000n);
    expect(await written()).toBe(2000n);
  });

  test('that is not further than one that was written down is not written, and the further one answered', async () => {
    const { keeper } = await begun();
    await keeper.write(2000n);
    await shared.rows('drop table sfsync.stream');
    expect(await keeper.write(2000n)).toBe(2000n);
    expect(await keeper.write(1500n)).toBe(2000n);
  });

  test('that comes before a further one is answered as far as both are written down', async () => {
    const { keeper, written } = await begun();
    expect(await Promise.all([keeper.write(3000n), keeper.write(2000n)])).toEqual([3000n, 3000n]);
    expect(await written()).toBe(3000n);
  });

  test('that could not be written down is not answered, and does not stop the next one', async () => {
    const { keeper, written } = await begun();
    await shared.rows('alter table sfsync.stream rename to elsewhere');
    await expect(keeper.write(2000n)).rejects.toMatchObject({ name: 'ConfigurationError', code: '42P01' });
    await shared.rows('alter table sfsync.elsewhere rename to stream');
    expect(await written()).toBe(BEGUN);
    expect(await keeper.write(3000n)).toBe(3000n);
    expect(await written()).toBe(3000n);
  });
});

test('a look tells the tables, those whose edits do not come, what has changed and what is due', async () => {
  const keeper = await keeperOf(shared);
  const first = await keeper.look();
  expect(first.tables.map(({ object }) => object)).toEqual(['Account', 'Contact', 'Opportunity']);
  expect([first.faults, first.changed, first.comparisons]).toEqual([new Map(), new Map(), []]);
  await shared.rows('alter publication sfsync drop table borrowers');
  const second = await keeper.look();
  expect(second.faults).toEqual(new Map([['Contact', ['not published']]]));
  expect(second.changed).toEqual(new Map([['Contact', ['publication changed']]]));
  expect(second.comparisons).toMatchObject([{ object: 'Contact', reasons: ['publication changed'] }]);
});

test('what is ordered is due of just these objects', async () => {
  const keeper = await keeperOf(shared);
  await keeper.order(['Account', 'Contact'], 'table replaced');
  expect(await due(shared)).toEqual([
    ['Account', 'table replaced'],
    ['Contact', 'table replaced'],
  ]);
});

test('closing one whose session is gone already is no error', async () => {
  const keeper = await keeperOf(shared);
  await shared.rows(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and usename = 'sfsync_streamer'`,
  );
  await keeper.close();
});

/** Origins belong to the server, and their numbers are given anew. */
test('a number that has another name now leaves all objects to be compared where the stream sends numbers', async () => {
  await using lender = await createLenderDatabaseApart();
  const create = (name: string) =>
    lender.rows('select pg_replication_origin_create($1)::int as number', [name]).then(([row]) => Number(row?.number));
  const drop = (name: string) => lender.rows('select pg_replication_origin_drop($1)', [name]);
  const wal2json = await keeperOf(lender, 'wal2json');
  const pgoutput = await keeperOf(lender);
  /** Objects that are due because of it, after a look over both. The two look at different publications, which is due, too. */
  const dueAfter = async (...keepers: SlotKeeper[]) => {
    for (const keeper of keepers) await keeper.look();
    return (await due(lender))
      .filter(([, ...reasons]) => reasons.includes('origins changed'))
      .map(([object]) => object);
  };
  try {
    const number = await create('one');
    for (const { origins } of [await wal2json.look(), await pgoutput.look()]) expect(origins.get(number)).toBe('one');
    expect((await wal2json.origins()).get(number)).toBe('one');
    // A number that is gone, or new, was not read with another name.
    await drop('one');
    expect(await dueAfter(wal2json, pgoutput)).toEqual([]);
    expect(await create('two')).toBe(number);
    expect(await dueAfter(wal2json, pgoutput)).toEqual([]);

    await drop('two');
    expect(await create('three')).toBe(number);
    expect(await dueAfter(pgoutput)).toEqual([]);
    expect(await dueAfter(wal2json)).toEqual(['Account', 'Contact', 'Opportunity']);
    await lender.rows('truncate sfsync.comparison');
    expect(await dueAfter(wal2json)).toEqual([]);
  } finally {
    for (const keeper of opened.splice(0)) await keeper.close();
  }
});

describe('encryption', () => {
  /** The first thing that a client says when it wants TLS. */
  const SSL_REQUEST = 80_877_103;

  /** What the keeper asks of a server that has no TLS. */
  async function asks(ssl: boolean | { readonly rejectUnauthorized: boolean }): Promise<boolean> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const first = Promise.withResolvers<boolean>();
    server.on('connection', (socket) => {
      socket.once('data', (bytes) => {
        first.resolve(bytes.readUInt32BE(4) === SSL_REQUEST);
        socket.end('N');
      });
    });
    const kept = { configuration, slot: 'any', names: DEFAULT_NAMES };
    const database = { ...databaseOf({ port, database: 'any' }), ssl };
    await expect(SlotKeeper.open({ ...kept, database })).rejects.toThrow();
    server.close();
    return first.promise;
  }

  test.for([
    [false, false],
    [true, true],
    [{ rejectUnauthorized: false }, true],
  ] as const)('%o: TLS is asked for: %s', async ([ssl, asked]) => {
    expect(await asks(ssl)).toBe(asked);
  });
});
