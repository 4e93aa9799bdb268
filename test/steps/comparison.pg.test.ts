import { beforeEach, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { orderComparison, readComparison } from '../../postgres/ledger/comparison.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { comparePart } from '../../steps/comparison/compare.ts';
import { closeWindow, openWindow } from '../../steps/sweep/window.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const ACCOUNTS = [1, 2, 3, 4].map((n) => `00100000000000${n}AAA`);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
  await applyVersions(
    contextOf(session, configuration, 'Account'),
    'f',
    ACCOUNTS.map((id, i) => ({ line: i + 1, version: version('Account', id, 1, { Phone: 'base' }) })),
    Date.UTC(2030, 0, 1),
  );
});

const context = (execution = 'e') => contextOf(session, configuration, 'Account', execution);
const compare = (execution = 'e') => comparePart(context(execution), () => false);
const page = () => comparePart(context(), () => true);

async function editUnseen(): Promise<void> {
  await rows("update lenders set phone = 'edited' where salesforce_id = $1", [ACCOUNTS[0]]);
  await rows('delete from lenders where salesforce_id = $1', [ACCOUNTS[1]]);
}

test('finds both an edited row and a deleted one, and is reported once with why and how many', async () => {
  await editUnseen();
  expect(await compare()).toMatchObject({ looked: 0, left: 'nothing', report: undefined });
  await orderComparison(session, 'Account', 'slot made anew');
  const part = await compare();
  expect(part).toMatchObject({ marked: 2, left: 'nothing', records: false });
  expect(part.report).toMatchObject({ reasons: ['slot made anew'], looked: 7, marked: 2 });
  const due = await rows('select salesforce_id as id from sfsync.link where dirty order by 1');
  expect(due.map(({ id }) => id)).toEqual([ACCOUNTS[0], ACCOUNTS[1]]);
  // The answer was lost: the same execution asks again, and another one has nothing to report.
  expect((await compare()).report).toMatchObject({ marked: 2 });
  expect((await compare('another')).report).toBeUndefined();
});

test('goes on where an execution that died had come to, and begins anew when it is ordered meanwhile', async () => {
  await orderComparison(session, 'Account', 'slot made anew');
  expect(await page()).toMatchObject({ looked: 4, left: 'more' });
  expect(await readComparison(session, 'Account')).toMatchObject({ stage: 'rows', looked: 4 });
  await editUnseen();
  await orderComparison(session, 'Account', 'asked');
  expect(await readComparison(session, 'Account')).toMatchObject({ stage: 'links', looked: 0 });
  expect((await compare()).report).toMatchObject({ reasons: ['slot made anew', 'asked'], marked: 2 });
});

test('a page that was ordered anew while it was compared does not count', async () => {
  await orderComparison(session, 'Account', 'asked');
  const before = await readComparison(session, 'Account');
  await orderComparison(session, 'Account', 'asked');
  const { saveComparison } = await import('../../postgres/ledger/comparison.ts');
  await saveComparison(session, before ?? expect.unreachable(), { looked: 9, marked: 9, after: undefined }, 'e');
  expect(await readComparison(session, 'Account')).toMatchObject({ stage: 'links', looked: 0, marked: 0 });
});

test('waits for transactions that are older than the order: their edits may not be visible yet', async () => {
  const application = await lender.database.client();
  await application.query('begin');
  await application.query("update lenders set phone = 'late' where salesforce_id = $1", [ACCOUNTS[2]]);
  await orderComparison(session, 'Account', 'asked');
  expect(await compare()).toMatchObject({ looked: 0, left: 'older transactions' });
  await application.query('commit');
  expect(await compare()).toMatchObject({ marked: 1, left: 'nothing' });
});

test('one that covers the records ends with the full sweep that began after it', async () => {
  await orderComparison(session, 'Account', 'asked', { records: true });
  expect(await compare()).toMatchObject({ left: 'nothing', records: true, report: { looked: 8 } });
  const sweep = { object: 'Account', execution: 's', full: false };
  const opened = await openWindow(session, sweep, configuration.settings, Date.now());
  expect(opened).toMatchObject({ full: true });
  expect(opened).not.toHaveProperty('from');
  await closeWindow(session, { ...sweep, ...opened, execution: 'older', complete: true });
  expect((await readComparison(session, 'Account'))?.finishedAt).toBeNull();
  await closeWindow(session, { ...sweep, ...opened, complete: true });
  expect((await readComparison(session, 'Account'))?.finishedAt).not.toBeNull();
});

test('an ordinary rewrite that changed nothing is not reported, and a table that does not get through is', async () => {
  await orderComparison(session, 'Account', 'table rewritten');
  expect(await compare()).toMatchObject({ left: 'nothing', report: undefined });
  await rows('alter publication sfsync drop table lenders');
  await orderComparison(session, 'Account', 'publication changed');
  expect((await compare()).report).toMatchObject({ marked: 0, faults: ['not published'] });
});

test('a table that is not there deletes nothing: the comparison stays due, and says so', async () => {
  await rows('alter table lenders rename to banks');
  await orderComparison(session, 'Account', 'table replaced');
  const part = await compare();
  expect(part).toMatchObject({ looked: 0, left: 'no table', report: { faults: ['no table'] } });
  expect(await rows('select from sfsync.link where dirty')).toEqual([]);
  await rows('alter table banks rename to lenders');
  expect(await compare()).toMatchObject({ left: 'nothing', marked: 0 });
});
