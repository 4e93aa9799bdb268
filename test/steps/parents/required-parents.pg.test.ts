import { beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyRereads, applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { joinAll } from '../../../steps/parents/join-all.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const [PARENT, OTHER] = ['001000000000001AAA', '001000000000002AAA'] as const;
const CHILD = '003000000000001AAA';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}

/** What the pipeline does with records that are due to be read. */
async function readDue(object: string, ...now: SalesforceVersion[]) {
  const due = await rows(
    `select salesforce_id as id, revision::int from sfsync.link where object = '${object}' and reread_due`,
  );
  expect(due.map(({ id }) => id).sort()).toEqual(now.map(({ id }) => id).sort());
  const lines = due.map((each) => ({ ...each, version: now.find(({ id }) => id === each.id) }));
  return applyRereads(contextOf(session, configuration, object), 'file', lines, Date.now());
}

const child = (second: number, parent: string, id: string = CHILD) =>
  version('Contact', id, second, { AccountId: parent });
const OPEN = 'select salesforce_id, code, field, line from sfsync.rejected_record where resolved_at is null';
const FAMILY =
  'select b.salesforce_id as child, l.salesforce_id as parent from borrowers b left join lenders l on l.id = b.lender_id';

describe('a lookup whose column allows no null', () => {
  beforeEach(async () => {
    await rows('alter table borrowers alter column lender_id set not null');
  });

  test('rejects a child that comes before its parent; it is taken up again when the parent lands', async () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      child(1, PARENT, `003000000001${String(i).padStart(3, '0')}AAA`),
    );
    expect(await apply('Contact', child(1, PARENT), ...many)).toMatchObject({
      inserted: 0,
      rejected: 301,
      reasons: [{ code: 'PARENT_MISSING', field: 'AccountId', count: 301 }],
    });
    expect((await rows(OPEN))[0]).toEqual({
      salesforce_id: CHILD,
      code: 'PARENT_MISSING',
      field: 'AccountId',
      line: 1,
    });
    expect(await rows('select from borrowers')).toEqual([]);

    expect(await apply('Account', version('Account', PARENT, 1))).toMatchObject({ inserted: 1, alsoDue: ['Contact'] });
    expect(await readDue('Contact', child(1, PARENT), ...many)).toMatchObject({
      inserted: 301,
      rejected: 0,
      due: false,
    });
    expect(await rows(OPEN)).toEqual([]);
    expect(await rows(FAMILY)).toContainEqual({ child: CHILD, parent: PARENT });
  });

  test('such a child, and the delete of such a parent, are taken up by the outbound pipeline', async () => {
    const execution = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
    const round = async (object: string, now: SalesforceVersion) => {
      await takeLease(session, object, execution, async () => true);
      const context = contextOf(session, configuration, object, execution);
      const batch = await chosenRecords(context);
      const looks = batch.map((each) => ({ ...each, version: now }));
      const at = Date.now();
      return decideBatch(context, 'one', looks, {
        readAt: at,
        now: at,
      });
    };
    await apply('Contact', child(1, PARENT));
    await apply('Account', version('Account', PARENT, 1));
    expect(await round('Contact', child(1, PARENT))).toMatchObject({ rejected: 0, pushes: [] });
    expect(await rows(FAMILY)).toEqual([{ child: CHILD, parent: PARENT }]);
    expect(await rows(OPEN)).toEqual([]);

    await apply('Account', deletedVersion('Account', PARENT, 2));
    await apply('Contact', deletedVersion('Contact', CHILD, 2, { AccountId: PARENT }));
    expect(await round('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ rejected: 0, pushes: [] });
    expect(await rows('select from lenders union all select from borrowers')).toEqual([]);
    expect(await rows(OPEN)).toEqual([]);
    expect(await rows('select from sfsync.link where dirty or reread_due')).toEqual([]);
  });

  test('keeps the old parent of a child that has moved to one without a row, until that lands', async () => {
    await apply('Account', version('Account', PARENT, 1));
    await apply('Contact', child(1, PARENT));
    expect(await apply('Contact', child(2, OTHER))).toMatchObject({ updated: 0, rejected: 1 });
    expect(await rows(FAMILY)).toEqual([{ child: CHILD, parent: PARENT }]);
    expect(await apply('Account', version('Account', OTHER, 1))).toMatchObject({ alsoDue: ['Contact'] });
    expect(await readDue('Contact', child(2, OTHER))).toMatchObject({ updated: 1, rejected: 0, due: false });
    expect(await rows(FAMILY)).toEqual([{ child: CHILD, parent: OTHER }]);
    expect(await rows(OPEN)).toEqual([]);
  });

  test('puts off the delete of a parent until its children are gone, and takes it up again by itself', async () => {
    await apply('Account', version('Account', PARENT, 1), version('Account', OTHER, 1));
    await apply('Contact', child(1, PARENT));
    const gone = deletedVersion('Account', PARENT, 2);
    expect(await apply('Account', gone, deletedVersion('Account', OTHER, 2))).toMatchObject({
      deleted: 1,
      rejected: 1,
      reasons: [{ code: 'CHILDREN_EXIST', count: 1 }],
    });
    expect(await apply('Contact', deletedVersion('Contact', CHILD, 2, { AccountId: PARENT }))).toMatchObject({
      deleted: 1,
      alsoDue: ['Account'],
    });
    expect(await readDue('Account', gone)).toMatchObject({ deleted: 1, rejected: 0, due: false });
    expect(await rows('select from lenders union all select from borrowers')).toEqual([]);
    expect(await rows(OPEN)).toEqual([]);
  });
});

describe('a parent that Salesforce deleted with its children', () => {
  const orders: [string, ('parent' | 'children')[]][] = [
    ['before', ['parent', 'children']],
    ['after', ['children', 'parent']],
  ];
  test.each(orders)('is gone with them when its file comes %s theirs', async (_when, order) => {
    const ids = Array.from({ length: 5 }, (_, i) => `00300000000000${i}AAA`);
    await apply('Account', version('Account', PARENT, 1));
    await apply('Contact', ...ids.map((id) => child(1, PARENT, id)));
    for (const file of order) {
      const applied =
        file === 'parent'
          ? await apply('Account', deletedVersion('Account', PARENT, 2))
          : await apply('Contact', ...ids.map((id) => deletedVersion('Contact', id, 2, { AccountId: PARENT })));
      expect(applied).toMatchObject({ rejected: 0, conflicts: 0, due: false });
    }
    expect(await rows('select from lenders union all select from borrowers')).toEqual([]);
    expect(await rows(`select from sfsync.link where dirty or reread_due or not base_deleted`)).toEqual([]);
    expect(await rows('select from sfsync.tombstone')).toHaveLength(6);
  });
});

describe('children of a record that was merged in Salesforce', () => {
  test('whose own files come later, in two parts, end with the survivor', async () => {
    const two = '003000000000002AAA';
    await apply('Account', version('Account', PARENT, 1), version('Account', OTHER, 1));
    await apply('Contact', child(1, PARENT), child(1, PARENT, two));
    await apply('Account', { ...deletedVersion('Account', PARENT, 2), mergedInto: OTHER });
    await apply('Contact', child(3, OTHER));
    await apply('Contact', child(3, OTHER, two));
    expect(await rows(FAMILY)).toEqual([
      { child: CHILD, parent: OTHER },
      { child: two, parent: OTHER },
    ]);
    expect(await rows(`select from sfsync.link where dirty or waiting <> '{}'`)).toEqual([]);
  });

  test('end with the survivor also when that lands after the loser is gone', async () => {
    await apply('Account', version('Account', PARENT, 1));
    await apply('Contact', child(1, PARENT));
    await apply('Account', { ...deletedVersion('Account', PARENT, 2), mergedInto: OTHER });
    await apply('Contact', child(3, OTHER));
    await apply('Account', version('Account', OTHER, 3));
    expect(await rows(FAMILY)).toEqual([{ child: CHILD, parent: OTHER }]);
    expect(await rows(`select from sfsync.link where dirty or waiting <> '{}'`)).toEqual([]);
  });
});

test('a waiting child that its table refuses to join is listed, stops no other child, and is tried again by the sweep', async () => {
  await apply('Contact', child(1, PARENT), child(1, PARENT, '003000000000002AAA'));
  await rows(`alter table borrowers add constraint alone check (salesforce_id <> '${CHILD}' or lender_id is null)`);
  expect(await apply('Account', version('Account', PARENT, 1))).toMatchObject({ inserted: 1 });
  expect(await rows(`${FAMILY} order by 1`)).toEqual([
    { child: CHILD, parent: null },
    { child: '003000000000002AAA', parent: PARENT },
  ]);
  expect(await rows(OPEN)).toEqual([{ salesforce_id: CHILD, code: '23514', field: 'AccountId', line: null }]);
  await rows('alter table borrowers drop constraint alone');
  await apply('Account', version('Account', OTHER, 1));
  expect(await rows(FAMILY)).toContainEqual({ child: CHILD, parent: null });
  await joinAll(contextOf(session, configuration, 'Account'));
  expect(await rows(FAMILY)).toContainEqual({ child: CHILD, parent: PARENT });
  expect(await rows(OPEN)).toEqual([]);
});
