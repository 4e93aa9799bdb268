/** `sfsync.stream`: how far the streamer has confirmed the slot, and what may have been skipped where the slot is elsewhere. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Lsn, parseLsn } from '../../../core/contracts/lsn.ts';
import { dueComparisons } from '../../../postgres/ledger/comparison.ts';
import { beginStream, readStream, takeStream, writeConfirmed } from '../../../postgres/ledger/stream.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
const SERVER = { system: '7000000000000000001', timeline: 1 };
const OTHER_SLOT = 'another';
/** Nobody reads the slot here. */
const NOBODY = null as unknown as number;
let session: Session;
let slot: string;
let confirmed: Lsn;

beforeEach(async () => {
  session = lender.application as Session;
  slot = lender.database.name;
  await rows('truncate sfsync.stream, sfsync.comparison');
  const [found] = await rows('select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1', [
    slot,
  ]);
  confirmed = parseLsn(found.lsn);
});

const take = (server = SERVER, more: { pid?: number; walEnd?: Lsn; furthest?: Lsn } = {}) => {
  const { pid = NOBODY, walEnd = confirmed + 1000n, furthest = 0n } = more;
  return takeStream(session, { slot, pid, objects: ['Account', 'Contact'] }, { server, walEnd, furthest });
};
const ordered = async () =>
  (await dueComparisons(session)).map(({ object, reasons }) => `${object}: ${reasons.join()}`);
const both = (reason: string) => [`Account: ${reason}`, `Contact: ${reason}`];
const left = () => rows(`update sfsync.stream set confirmed_at = confirmed_at - interval '2 minutes'`);

describe('a slot that is taken', () => {
  test('for the first time is where it is, and written down', async () => {
    expect(await readStream(session, slot)).toBeUndefined();
    expect(await take()).toEqual({ gap: undefined, confirmed, wasAway: false });
    expect(await readStream(session, slot)).toEqual({ server: SERVER, confirmed });
    expect(await ordered()).toEqual([]);
  });

  test('where the streamer left it is gone on with from there; further than the slot knows, too', async () => {
    await take();
    await writeConfirmed(session, slot, confirmed + 5n);
    expect(await take()).toEqual({ gap: undefined, confirmed: confirmed + 5n, wasAway: false });
    expect(await readStream(session, slot)).toEqual({ server: SERVER, confirmed: confirmed + 5n });
    expect(await ordered()).toEqual([]);
  });

  test('after a minute without a sign of the streamer, says so', async () => {
    await take();
    await left();
    expect(await take()).toMatchObject({ wasAway: true, gap: undefined });
    expect(await take()).toMatchObject({ wasAway: false });
    // A slot that no streamer has read was not left by one.
    await beginStream(session, slot);
    await rows('update sfsync.stream set system_identifier = null');
    await left();
    expect(await take()).toMatchObject({ wasAway: false });
  });

  test.for([
    ['further than it was left', 'slot moved', 'update sfsync.stream set confirmed = confirmed - 1', {}, false],
    ['on another server', 'server changed', 'select', { system: '8' }, true],
    ['on another timeline', 'timeline changed', 'select', { timeline: 2 }, true],
  ] as const)(
    '%s: the objects are compared, and it is gone on with from where it is',
    async ([, reason, moves, server, records]) => {
      await take();
      await rows(moves);
      if (reason !== 'slot moved') await writeConfirmed(session, slot, confirmed + 5n);
      expect(await take({ ...SERVER, ...server })).toMatchObject({ gap: { reason, records }, confirmed });
      expect(await ordered()).toEqual(both(reason));
      expect(await rows('select distinct records from sfsync.comparison')).toEqual([{ records }]);
      expect(await readStream(session, slot)).toEqual({ server: { ...SERVER, ...server }, confirmed });
      expect(await take({ ...SERVER, ...server })).toMatchObject({ gap: undefined });
    },
  );

  test('whose server is behind what this process was sent is one that was restored', async () => {
    await take();
    expect(await take(SERVER, { furthest: confirmed + 2000n })).toMatchObject({ gap: { reason: 'database restored' } });
    expect(await ordered()).toEqual(both('database restored'));
  });

  test('and that another process reads is not taken: nothing is written down', async () => {
    await expect(take(SERVER, { pid: 1 })).rejects.toMatchObject({ name: 'RetryableError', code: 'SLOT_TAKEN' });
    expect(await readStream(session, slot)).toBeUndefined();
  });
});

test('what is confirmed goes forward only, for its slot alone', async () => {
  await take();
  await rows(`insert into sfsync.stream (slot, confirmed) values ($1, '0/1')`, [OTHER_SLOT]);
  await left();
  await writeConfirmed(session, slot, confirmed + 7n);
  expect((await readStream(session, slot))?.confirmed).toBe(confirmed + 7n);
  await writeConfirmed(session, slot, confirmed);
  expect((await readStream(session, slot))?.confirmed).toBe(confirmed + 7n);
  expect(await readStream(session, OTHER_SLOT)).toEqual({ server: undefined, confirmed: 1n });
  // It is a sign of the streamer, however little it has moved.
  expect(await take()).toMatchObject({ wasAway: false });
});

test('a slot that was just made counts from where it is', async () => {
  await take();
  await writeConfirmed(session, slot, confirmed + 7n);
  await beginStream(session, slot);
  expect((await readStream(session, slot))?.confirmed).toBe(confirmed);
  await beginStream(session, 'no slot');
  expect(await readStream(session, 'no slot')).toBeUndefined();
});
