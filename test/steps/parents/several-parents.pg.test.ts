/** A lookup to several objects (`Task.WhatId`), in both layouts of its columns. What no row can name is never cleared in Salesforce. */
import { beforeEach, describe, expect, test } from 'vitest';
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { inLedger } from '../../../steps/step.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import {
  CLEAR,
  LAYOUTS,
  POINT_TO_LOAN,
  record,
  STRANGE,
  SUBJECT,
  TASKS,
  withLayout,
} from '../../support/postgres/tasks.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LATER = Date.UTC(2030, 0, 1);
const NOW = Date.UTC(2026, 0, 2);
const [BANK, OTHER_BANK, LOAN, CASE, TASK] = [
  ...['001000000000001AAA', '001000000000002AAA', '006000000000001AAA'],
  ...['500000000000001AAA', '00T000000000001AAA'],
] as [string, string, string, string, string];

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let configuration: SyncConfiguration;

describe.for(LAYOUTS)('in the layout of %s', (layout) => {
  beforeEach(async () => {
    await rows(TASKS);
    configuration = withLayout(layout);
    await prepareDatabase(lender.application, configuration, { slot: lender.database.name });
    session = await lender.session();
    for (const { object } of configuration.objects) await takeLease(session, object, EXECUTION, async () => true);
  });

  function apply(object: string, ...versions: SalesforceVersion[]) {
    const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
    return applyVersions(contextOf(session, configuration, object), 'file', lines, LATER);
  }

  const task = (second: number, what: string | null, more: object = {}) =>
    record('Task', TASK, second, { WhatId: what, ...more });
  const bank = (second = 1) => record('Account', BANK, second);
  const loan = (second = 1) => record('Opportunity', LOAN, second);
  const named = async () => (await rows(SUBJECT[layout]))[0];
  const linkOf = async (object = 'Task') =>
    (await rows(`select waiting, dirty, base ->> 'WhatId' as what from sfsync.link where object = $1`, [object]))[0];
  const waits = (what: string) => ({ waiting: { WhatId: what }, dirty: false, what });

  /** What the application's edits of an object bring to Salesforce, which is as `look` says. */
  async function pushed(look: SalesforceVersion | undefined, object = 'Task') {
    const { schema, table } = mappingOf(configuration, object);
    const context = contextOf(session, configuration, object, EXECUTION);
    const keys = (await rows(`select id::text as key from ${schema}.${table}`)).map(({ key }) => key);
    await inLedger(context, { lease: true }, (inForce) => receiveKeys(inForce, keys));
    const looks = (await chosenRecords(context)).map((each) => ({ ...each, version: look }));
    const { pushes } = await decideBatch(context, 'one', looks, { readAt: NOW, now: NOW });
    return pushes.map(({ push }) => push.outgoing);
  }

  test('a child names its parent, whichever of the two came first, and another one when Salesforce says so', async () => {
    await apply('Account', bank());
    await apply('Task', task(1, BANK));
    expect(await named()).toEqual({ names: BANK, whole: true });
    await apply('Task', task(2, LOAN));
    expect(await named()).toEqual({ names: null, whole: true });
    expect(await linkOf()).toEqual(waits(LOAN));
    await apply('Opportunity', loan());
    expect(await named()).toEqual({ names: LOAN, whole: true });
    expect(await linkOf()).toEqual({ waiting: {}, dirty: false, what: LOAN });
    await apply('Task', task(3, null));
    expect(await named()).toEqual({ names: null, whole: true });
  });

  test('a parent of an object that is not mapped stays in Salesforce, while all else goes across', async () => {
    await apply('Account', bank());
    await apply('Task', task(1, BANK));
    await apply('Task', task(2, CASE));
    expect(await named()).toEqual({ names: null, whole: true });
    expect(await linkOf()).toEqual(waits(CASE));
    await rows(`update tasks set title = 'Visit'`);
    expect(await pushed(task(2, CASE))).toEqual([{ kind: 'update', fields: { Subject: 'Visit' } }]);
    await apply('Task', task(3, BANK));
  });

  test('the application names another parent of another object, and none', async () => {
    await apply('Account', bank());
    await apply('Opportunity', loan());
    await apply('Task', task(1, BANK));
    await rows(POINT_TO_LOAN[layout], [LOAN]);
    expect(await pushed(task(1, BANK))).toEqual([{ kind: 'update', fields: { WhatId: LOAN } }]);
    await rows('update sfsync.link set push_id = null, sent = null, sent_at = null');
    await rows(CLEAR[layout]);
    expect(await pushed(task(1, BANK))).toEqual([{ kind: 'update', fields: { WhatId: null } }]);
  });

  test('and leaves one that is not mapped for one that is', async () => {
    await apply('Opportunity', loan());
    await apply('Task', task(1, CASE));
    await rows(POINT_TO_LOAN[layout], [LOAN]);
    expect(await pushed(task(1, CASE))).toEqual([{ kind: 'update', fields: { WhatId: LOAN } }]);
    expect(await linkOf()).toMatchObject({ waiting: {} });
  });

  test('a parent that has no record yet is waited for, and wakes its child when it has one', async () => {
    await apply('Task', task(1, null));
    await rows(`insert into loan_applications (title, stage, closes_on) values ('New', 'Open', '2031-01-01')`);
    await rows(POINT_TO_LOAN[layout].replace('salesforce_id = $1', 'salesforce_id is null'));
    expect(await pushed(task(1, null))).toEqual([]);
    expect(await rows('select code, field from sfsync.rejected_record where resolved_at is null')).toEqual([
      { code: 'PARENT_WITHOUT_RECORD', field: 'WhatId' },
    ]);
    expect(await linkOf()).toMatchObject({ dirty: false });
    await rows('update loan_applications set salesforce_id = $1', [LOAN]);
    await apply('Opportunity', loan());
    expect(await pushed(task(1, null))).toEqual([{ kind: 'update', fields: { WhatId: LOAN } }]);
  });

  test('the row of a parent goes and comes back: the child waits, and names it again', async () => {
    await apply('Account', bank(), record('Account', OTHER_BANK, 1));
    await apply('Task', task(1, BANK));
    await apply('Account', { ...bank(2), deleted: true });
    expect(await named()).toEqual({ names: null, whole: true });
    expect(await linkOf()).toEqual(waits(BANK));
    await apply('Account', bank(3));
    expect(await named()).toEqual({ names: BANK, whole: true });
    // Merged into the other one.
    await apply('Account', { ...bank(4), deleted: true, mergedInto: OTHER_BANK });
    expect(await named()).toEqual({ names: OTHER_BANK, whole: true });
  });

  test('the delete of a parent waits for the child that it has been taken from', async () => {
    await apply('Account', bank());
    await apply('Opportunity', loan());
    await apply('Task', task(1, BANK));
    const keys = (await rows('select id::text as key from lenders')).map(({ key }) => key);
    await rows(`begin; ${CLEAR[layout]}; delete from lenders; commit`);
    const context = contextOf(session, configuration, 'Account', EXECUTION);
    await inLedger(context, { lease: true }, (inForce) => receiveKeys(inForce, keys));
    expect(await chosenRecords(context)).toEqual([]);
    expect(await pushed(task(1, BANK))).toEqual([{ kind: 'update', fields: { WhatId: null } }]);
    await rows('update sfsync.link set due_after = null');
    expect(await chosenRecords(context)).toEqual([]);
    await rows('update sfsync.link set push_id = null, sent = null, sent_at = null');
    await apply('Task', task(2, null));
    await rows('update sfsync.link set due_after = null');
    expect(await chosenRecords(context)).toMatchObject([{ id: BANK }]);
  });

  test('a column that is dropped, and added again, is filled: nothing is cleared', async () => {
    await apply('Account', bank());
    await apply('Task', task(1, BANK));
    const column = layout === 'type and key' ? 'subject_id' : 'lender_id';
    await rows(`alter table tasks drop column ${column}`);
    await rows(`update tasks set title = 'Visit'`);
    expect(await pushed(task(1, BANK))).toEqual([{ kind: 'update', fields: { Subject: 'Visit' } }]);
    await rows('update sfsync.link set push_id = null, sent = null, sent_at = null, dirty = false');
    await rows(`alter table tasks add column ${column} uuid`);
    await rows(`update tasks set title = 'Call'`);
    await rows('alter role sfsync_apply reset all');
    await apply('Task', task(2, BANK, { Subject: 'Visit' }));
    expect(await named()).toEqual({ names: BANK, whole: true });
    expect(await pushed(task(2, BANK, { Subject: 'Visit' }))).not.toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ WhatId: null }) }),
    );
  });

  test('what names no single parent is listed, and neither sent nor taken for a clearing', async () => {
    await apply('Account', bank());
    await apply('Opportunity', loan());
    await apply('Task', task(1, BANK));
    await rows(STRANGE[layout]);
    expect(await pushed(task(1, BANK))).toEqual([]);
    const code = layout === 'type and key' ? 'UNKNOWN_PARENT_TYPE' : 'SEVERAL_PARENTS';
    expect(await rows('select code, field from sfsync.rejected_record where resolved_at is null')).toEqual([
      { code, field: 'WhatId' },
    ]);
    await rows(POINT_TO_LOAN[layout], [LOAN]);
    expect(await pushed(task(1, BANK))).toEqual([{ kind: 'update', fields: { WhatId: LOAN } }]);
  });

  test('rows of a set that name parents of several objects are written at once', async () => {
    const tasks = Array.from({ length: 30 }, (_, i) => `00T0000000000${i + 10}AAA`);
    const what = (i: number) => [BANK, LOAN, CASE, null][i % 4] ?? null;
    await apply('Account', bank());
    await apply('Opportunity', loan());
    await apply('Task', ...tasks.map((id) => record('Task', id, 1)));
    await apply('Task', ...tasks.map((id, i) => record('Task', id, 2, { WhatId: what(i), Subject: `Call ${i}` })));
    const found = await rows(`${SUBJECT[layout]} order by salesforce_id`);
    expect(found.map(({ names }) => names)).toEqual(tasks.map((_, i) => (i % 4 > 1 ? null : what(i))));
    const waiting = await rows(`select count(*)::int as n from sfsync.link where waiting ->> 'WhatId' = $1`, [CASE]);
    expect(waiting).toEqual([{ n: 7 }]);
  });

  test('an object that leaves sync.config.ts takes no lookup with it, and one that comes is joined', async () => {
    await apply('Account', bank());
    await apply('Opportunity', loan());
    await apply('Task', task(1, LOAN));
    const [both, bankOnly] = [configuration, withLayout(layout, ['Account'])];
    configuration = bankOnly;
    await apply('Task', task(2, LOAN, { Subject: 'Visit' }));
    await rows(`update tasks set title = 'Mail'`);
    const sent = await pushed(task(2, LOAN, { Subject: 'Visit' }));
    expect(sent).toEqual([{ kind: 'update', fields: { Subject: 'Mail' } }]);
    await rows('update sfsync.link set push_id = null, sent = null, sent_at = null');
    configuration = both;
    await apply('Task', task(3, LOAN, { Subject: 'Mail' }));
    await apply('Opportunity', loan(3));
    expect(await named()).toEqual({ names: LOAN, whole: true });
    expect(await pushed(task(3, LOAN, { Subject: 'Mail' }))).toEqual([]);
  });

  test('columns that allow no null have the record wait, and prepare says so', async () => {
    if (layout === 'a column each') {
      await rows('alter table tasks alter column lender_id set not null');
      const prepared = prepareDatabase(lender.application, configuration, { slot: lender.database.name });
      await expect(prepared).rejects.toThrow('lender_id: allows no null, so no row could name a record of another');
      return;
    }
    await rows('alter table tasks alter column subject_type set not null, alter column subject_id set not null');
    const { warnings } = await prepareDatabase(lender.application, configuration, { slot: lender.database.name });
    expect(warnings).toContainEqual(
      expect.stringContaining('before the Account, Opportunity of its WhatId is rejected'),
    );
    await apply('Task', task(1, LOAN));
    expect(await rows('select code, field from sfsync.rejected_record where resolved_at is null')).toEqual([
      { code: 'PARENT_MISSING', field: 'WhatId' },
    ]);
    await apply('Opportunity', loan());
    await apply('Task', task(1, LOAN));
    expect(await named()).toEqual({ names: LOAN, whole: true });
  });
});

test('a type column that does not take a type is a fault of prepare', async () => {
  await rows(TASKS);
  await rows(
    `create type subject as enum ('Lender'); alter table tasks alter column subject_type type subject using null`,
  );
  const prepared = prepareDatabase(lender.application, withLayout('type and key'), { slot: lender.database.name });
  await expect(prepared).rejects.toThrow('invalid input value for enum subject: "Loan"');
});
