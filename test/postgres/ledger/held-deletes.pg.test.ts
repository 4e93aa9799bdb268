/** What the guard against delete storms counts and holds, and who reports it. */
import { beforeAll, expect, test } from 'vitest';
import { newLink } from '../../../core/agreement/link.ts';
import {
  anyHeld,
  countChosenDeletes,
  forgetChosenDeletes,
  liveRecords,
  readHeld,
} from '../../../postgres/ledger/held-deletes.ts';
import { claimHeldReport, lockHeldReport, saveHeldReport, takeLease } from '../../../postgres/ledger/lease.ts';
import { insertLinks } from '../../../postgres/ledger/links.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { idOf, OBJECT, rolledBack } from '../../support/postgres/random-links.ts';

const lender = useLenderDatabase('file');
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});

test('deletes that were chosen count for as long as the window lasts, for each object by itself', () =>
  rolledBack(session, async () => {
    expect(await countChosenDeletes(session, OBJECT, 3, 60)).toBe(3);
    expect(await countChosenDeletes(session, OBJECT, 2, 60)).toBe(5);
    expect(await countChosenDeletes(session, 'Contact', 7, 60)).toBe(7);
    await session.query(`update sfsync.chosen_delete set minute = minute - interval '30 minutes'`);
    expect(await countChosenDeletes(session, OBJECT, 1, 60)).toBe(6);
    expect(await countChosenDeletes(session, OBJECT, 1, 29)).toBe(2);
    // What has left the window of one object is in that of another.
    expect(await countChosenDeletes(session, 'Contact', 1, 60)).toBe(8);
    await forgetChosenDeletes(session, OBJECT);
    expect(await countChosenDeletes(session, OBJECT, 1, 60)).toBe(1);
    expect(await countChosenDeletes(session, 'Contact', 1, 60)).toBe(9);
  }));

test('live records are counted, as far as asked for', () =>
  rolledBack(session, async () => {
    const base = { deleted: false, fields: {} };
    const links = [1, 2, 3, 4].map((n) => ({ ...newLink(idOf(n), undefined), base: { ...base, deleted: n === 4 } }));
    await insertLinks(session, OBJECT, links);
    await insertLinks(session, 'Contact', [{ ...newLink(idOf(9), undefined), base }]);
    expect(await liveRecords(session, OBJECT, 100)).toBe(3);
    expect(await liveRecords(session, OBJECT, 2)).toBe(2);
    expect(await liveRecords(session, 'Lead', 100)).toBe(0);
  }));

test('held deletes are counted, and some of them named', () =>
  rolledBack(session, async () => {
    expect([await anyHeld(session, OBJECT), await readHeld(session, OBJECT)]).toEqual([
      false,
      { count: 0, sample: [] },
    ]);
    const links = Array.from({ length: 12 }, (_, n) => ({ ...newLink(idOf(n), `k${n}`), guard: 'held' as const }));
    await insertLinks(session, OBJECT, [
      ...links,
      { ...newLink(idOf(50), 'passed'), guard: 'passed' },
      newLink(idOf(51), 'none'),
    ]);
    await insertLinks(session, 'Contact', [{ ...newLink(idOf(60), undefined), guard: 'passed' }]);
    expect(await anyHeld(session, OBJECT)).toBe(true);
    expect(await anyHeld(session, 'Contact')).toBe(false);
    const { count, sample } = await readHeld(session, OBJECT);
    expect(count).toBe(12);
    expect(sample).toEqual(links.slice(0, 10).map(({ salesforceId, rowKey }) => ({ salesforceId, rowKey })));
  }));

test('one batch is to report that deletes are held, also when it is asked again, and another one only where it may', () =>
  rolledBack(session, async () => {
    for (const object of [OBJECT, 'Contact']) await takeLease(session, object, 'one', async () => false);
    expect(await lockHeldReport(session, OBJECT)).toBeUndefined();
    expect(await claimHeldReport(session, OBJECT, 'one-0', true)).toBe(true);
    expect(await claimHeldReport(session, OBJECT, 'one-0', true)).toBe(true);
    expect(await claimHeldReport(session, OBJECT, 'two-0', true)).toBe(false);
    expect(await lockHeldReport(session, OBJECT)).toEqual({ batchId: 'one-0', confirmed: false });
    expect(await lockHeldReport(session, 'Contact')).toBeUndefined();
    await saveHeldReport(session, OBJECT, { batchId: 'one-0', confirmed: true });
    expect(await lockHeldReport(session, OBJECT)).toEqual({ batchId: 'one-0', confirmed: true });
    // More are held: that is reported anew.
    expect(await claimHeldReport(session, OBJECT, 'two-0', false)).toBe(true);
    expect(await lockHeldReport(session, OBJECT)).toEqual({ batchId: 'two-0', confirmed: false });
    await saveHeldReport(session, 'Contact', { batchId: 'x', confirmed: false });
    await saveHeldReport(session, OBJECT, undefined);
    expect(await lockHeldReport(session, OBJECT)).toBeUndefined();
    expect(await lockHeldReport(session, 'Contact')).toEqual({ batchId: 'x', confirmed: false });
    expect(await claimHeldReport(session, 'Lead', 'one-0', false)).toBe(false);
  }));
