/** Rows that an application keeps locked: the steps do not wait for it, the other rows go, and it does not wait for the steps. */
import type pg from 'pg';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { chooseRecords } from '../../steps/choose.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const ids = Array.from({ length: 30 }, (_, i) => `001000000000${String(i).padStart(3, '0')}AAA`);
const [held = ''] = ids.slice(12);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let application: pg.Client;
beforeEach(async () => {
  session = await lender.session();
  application = await lender.database.client();
});

const context = (object = 'Account') => contextOf(session, configuration, object, EXECUTION);
const apply = (versions: readonly SalesforceVersion[], object = 'Account') =>
  applyVersions(
    context(object),
    'file',
    versions.map((each, i) => ({ line: i + 1, version: each })),
    LONG_AFTER,
  );
const all = (stamp: number) => ids.map((id) => version('Account', id, stamp, { Phone: `phone ${stamp}` }));
const holding = async (statement: string, values: unknown[] = []) => {
  await application.query('begin');
  await application.query(statement, values);
};
const holdRow = () => holding('update lenders set internal_notes = $2 where salesforce_id = $1', [held, 'mine']);
const timed = async <T>(work: Promise<T>): Promise<readonly [T, number]> => {
  const startedAt = performance.now();
  return [await work, performance.now() - startedAt];
};
const waiting = () =>
  rows(
    'select salesforce_id as id, reread_due, due_after > now() as later from sfsync.link where due_after is not null',
  );

describe('a row that an application holds', () => {
  beforeEach(() => apply(all(1)));

  test('is left by Apply, and read again after a pause; the others are written', async () => {
    await holdRow();
    const [done, ms] = await timed(apply(all(2)));
    expect(done).toMatchObject({ updated: 29, rejected: 0, left: [], due: true });
    expect(ms).toBeLessThan(5000);
    expect(await waiting()).toEqual([{ id: held, reread_due: true, later: true }]);
    await application.query('commit');
    expect(await rows('select phone, internal_notes from lenders where salesforce_id = $1', [held])).toEqual([
      { phone: 'phone 1', internal_notes: 'mine' },
    ]);
  });

  test('costs an attempt or two, however many there are: it is passed over, and not waited for', async () => {
    await holding('update lenders set internal_notes = $2 where salesforce_id = any ($1)', [ids.slice(3, 23), 'mine']);
    const statements = vi.spyOn(session, 'query');
    expect(await apply(all(2))).toMatchObject({ updated: 10, rejected: 0, left: [] });
    const locking = statements.mock.calls.filter(([sql]) => /for no key update of t/.test(JSON.stringify(sql)));
    // The part, and the part without them. Waiting would take a statement for each.
    expect(locking.length).toBeLessThan(6);
    await application.query('rollback');
  });

  test('is looked at by Collect as it is, put off by Decide, and goes when it is free', async () => {
    await takeLease(session, 'Account', EXECUTION, async () => true);
    await rows(`update lenders set phone = 'edited'`);
    const keys = (await rows('select id::text as key from lenders')).map(({ key }) => key);
    await receiveKeys(context(), keys);
    await holdRow();
    const { due } = await chooseRecords(context(), { limit: 100, flowFenced: false });
    expect(due).toHaveLength(30);
    const look = () =>
      due.map(({ id, revision }) => ({ id, revision, version: version('Account', id, 1, { Phone: 'phone 1' }) }));
    const round = { readAt: Date.now(), now: Date.now() };
    expect((await decideBatch(context(), 'one-0', look(), round)).pushes).toHaveLength(29);
    expect(await waiting()).toEqual([{ id: held, reread_due: false, later: true }]);
    await application.query('rollback');
    expect((await decideBatch(context(), 'one-1', look(), round)).pushes.map(({ id }) => id)).toEqual([held]);
  });

  test('for long is listed, and reported once, until it goes', async () => {
    await takeLease(session, 'Account', EXECUTION, async () => true);
    await rows(`update lenders set phone = 'edited' where salesforce_id = $1`, [held]);
    await markLinksDue(session, 'Account', { salesforceIds: [held] }, 'row changed');
    await holdRow();
    const decide = async (batch: number) => {
      await rows('update sfsync.link set due_after = null');
      const { due } = await chooseRecords(context(), { limit: 100, flowFenced: false });
      const looks = due.map((each) => ({ ...each, version: version('Account', each.id, 1, { Phone: 'phone 1' }) }));
      return decideBatch(context(), `one-${batch}`, looks, { readAt: Date.now(), now: Date.now() });
    };
    const listed = () => rows('select code from sfsync.rejected_record where resolved_at is null');
    for (let batch = 0; batch < 5; batch++) expect(await decide(batch)).toMatchObject({ pushes: [], rejected: 0 });
    expect(await listed()).toEqual([]);
    const reasons = [{ code: 'ROW_LOCKED', count: 1, ids: [held] }];
    expect(await decide(5)).toMatchObject({ pushes: [], rejected: 1, reasons });
    expect(await decide(6)).toMatchObject({ pushes: [], rejected: 0 });
    expect(await listed()).toEqual([{ code: 'ROW_LOCKED' }]);

    await application.query('rollback');
    await rows(`update lenders set phone = 'phone 1'`);
    expect(await decide(7)).toMatchObject({ pushes: [] });
    expect(await listed()).toEqual([]);
  });

  test.each([
    ['does not keep Settle from knowing what Salesforce accepted', false],
    ['keeps the push open where a file has shown an edit that is to come back into the row', true],
  ])('%s', async (_, isSeen) => {
    await takeLease(session, 'Account', EXECUTION, async () => true);
    await rows(`update lenders set phone = 'edited'`);
    await receiveKeys(
      context(),
      (await rows('select id::text as key from lenders')).map(({ key }) => key),
    );
    const { due } = await chooseRecords(context(), { limit: 100, flowFenced: false });
    const look = due.map(({ id, revision }) => ({
      id,
      revision,
      version: version('Account', id, 1, { Phone: 'phone 1' }),
    }));
    const { pushes } = await decideBatch(context(), 'one-0', look, { readAt: Date.now(), now: Date.now() });
    if (isSeen)
      await rows(
        `update sfsync.link set seen = '{"Phone": {"value": "shown", "sure": true}}' where push_id is not null`,
      );
    await holdRow();
    const readBack = pushes.map(({ id, revision }) => ({
      id,
      revision,
      version: version('Account', id, 3, { Phone: 'edited' }),
    }));
    const accepted = { phone: 'edited', push_id: null, reread_due: true };
    const answers = {
      outcomes: new Map(pushes.map(({ id }) => [id, { id, outcome: 'accepted' as const }])),
      flowFailures: undefined,
      readAt: Date.now(),
      now: Date.now(),
    };
    expect(await settleBatch(context(), 'one-0', readBack, answers)).toMatchObject({ settled: 29, readAgain: [] });
    expect(
      await rows(`select base ->> 'Phone' as phone, push_id, reread_due from sfsync.link where salesforce_id = $1`, [
        held,
      ]),
    ).toEqual([isSeen ? { phone: 'phone 1', push_id: 'one-0', reread_due: false } : accepted]);
  });

  test('which is a parent keeps only its children from being written', async () => {
    await holding('select from lenders where salesforce_id = $1 for update', [held]);
    const children = ids.map((id, i) =>
      version('Contact', `003000000000${String(i).padStart(3, '0')}AAA`, 1, { AccountId: id }),
    );
    const done = await apply(children, 'Contact');
    expect(done).toMatchObject({ inserted: 29, rejected: 0, left: [] });
    expect(await waiting()).toEqual([{ id: '003000000000012AAA', reread_due: true, later: true }]);
  });

  test('and that wants a row of a part is never the victim of a deadlock, nor waits long', async () => {
    await holding('select from lenders where salesforce_id = $1 for update', [held]);
    const wanting = ids.slice(0, 5).map((id) => version('Contact', id.replace('001', '003'), 1, { AccountId: held }));
    await apply(
      ids.slice(0, 5).map((id) => version('Contact', id.replace('001', '003'), 1, { AccountId: ids[1] ?? '' })),
      'Contact',
    );
    const applying = apply(
      wanting.map((each) => ({ ...each, stamp: each.stamp + 1000 })),
      'Contact',
    );
    const [, ms] = await timed(application.query(`update borrowers set phone = 'mine'`));
    await application.query('commit');
    expect(ms).toBeLessThan(1000);
    expect(await applying).toMatchObject({ rejected: 0 });
  });
});

test('a locked table leaves everything for the next call, and nothing is rejected or lost', async () => {
  await apply(all(1));
  await holding('lock table lenders in access exclusive mode');
  const done = await apply(all(2));
  expect(done).toMatchObject({ updated: 0, rejected: 0, because: 'locked' });
  expect(done.left).toHaveLength(30);
  await application.query('rollback');
  expect(await apply(all(2))).toMatchObject({ updated: 30, left: [] });
});

test('a new row that an application is inserting under the same id is waited for by nobody', async () => {
  await holding('insert into lenders (name, salesforce_id) values ($1, $2)', ['theirs', held]);
  const done = await apply(all(1));
  expect(done).toMatchObject({ inserted: 29, rejected: 0, left: [] });
  await application.query('commit');
  expect(await waiting()).toEqual([{ id: held, reread_due: true, later: true }]);
});
