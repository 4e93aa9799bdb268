/** Lookups whose parents come, go and are merged while something else is going on. The histories are explored in core. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { settleBatch } from '../../../steps/settle.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const [PARENT, OTHER] = ['001000000000001AAA', '001000000000002AAA'] as const;
const CHILD = '003000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const NOW = Date.UTC(2026, 0, 2);

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() =>
  rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
        sfsync.rejected_record, sfsync.tombstone`),
);

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}

const parent = (id: string, second = 1) => version('Account', id, second);
const child = (second: number, of: string | null) => version('Contact', CHILD, second, { AccountId: of });
const merged = { ...deletedVersion('Account', PARENT, 2), mergedInto: OTHER };
const linkOfChild = async () =>
  (
    await rows(
      `select waiting, dirty, reread_due, base ->> 'AccountId' as parent from sfsync.link where object = 'Contact'`,
    )
  )[0];

/** Collect for an object, whose keys the queue has named. */
async function collect(object: string) {
  const mapping = mappingOf(configuration, object);
  await takeLease(session, object, EXECUTION, async () => true);
  const keys = (await rows('select row_key from sfsync.link where object = $1', [object])).map(
    ({ row_key }) => row_key,
  );
  await inTransaction(session, () => receiveKeys({ session, configuration, mapping }, keys));
  return chosenRecords(contextOf(session, configuration, object, EXECUTION));
}

function decide(object: string, batch: Awaited<ReturnType<typeof collect>>, look: SalesforceVersion) {
  const context = contextOf(session, configuration, object, EXECUTION);
  const looks = batch.map((each) => ({ ...each, version: look }));
  return decideBatch(context, 'one', looks, { readAt: NOW, now: NOW });
}

function settle(
  object: string,
  { pushes }: Awaited<ReturnType<typeof decide>>,
  readBack: SalesforceVersion,
  outcome: 'accepted' | 'not applied' = 'accepted',
) {
  const context = contextOf(session, configuration, object, EXECUTION);
  const readBacks = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  const outcomes = new Map(pushes.map(({ id }) => [id, { id, outcome }]));
  const at = NOW + 1000;
  return settleBatch(context, 'one', readBacks, { outcomes, flowFailures: undefined, readAt: at, now: at });
}

describe('a lookup that waits', () => {
  test('and that the application points to another parent goes to Salesforce', async () => {
    await apply('Account', parent(OTHER));
    await apply('Contact', child(1, PARENT));
    await rows('update borrowers set lender_id = (select id from lenders)');
    const { pushes } = await decide('Contact', await collect('Contact'), child(1, PARENT));
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { AccountId: OTHER } } } }]);
    expect(await linkOfChild()).toMatchObject({ waiting: {} });
  });

  test.for([
    ['after that was sent', true],
    ['after a file came meanwhile', false],
  ] as const)(
    'and that the application points to another parent, and clears %s: it is cleared in Salesforce, and waits no more',
    async ([, sent]) => {
      await apply('Account', parent(OTHER));
      await apply('Contact', child(1, PARENT));
      await rows('update borrowers set lender_id = (select id from lenders)');
      if (sent)
        await settle('Contact', await decide('Contact', await collect('Contact'), child(1, PARENT)), child(2, OTHER));
      else await apply('Contact', version('Contact', CHILD, 2, { AccountId: PARENT, Phone: '2' }));
      expect(await linkOfChild()).toMatchObject({ waiting: {} });
      await rows('update borrowers set lender_id = null');
      const now = version('Contact', CHILD, 2, sent ? { AccountId: OTHER } : { AccountId: PARENT, Phone: '2' });
      const cleared = await decide('Contact', await collect('Contact'), now);
      expect(cleared.pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { AccountId: null } } } }]);
      await settle('Contact', cleared, { ...now, stamp: now.stamp + 1000, fields: { ...now.fields, AccountId: null } });
      await apply('Account', parent(PARENT));
      expect(await rows('select lender_id from borrowers')).toEqual([{ lender_id: null }]);
      expect(await linkOfChild()).toMatchObject({ waiting: {}, dirty: false, parent: null });
    },
  );

  test('for a parent that Salesforce does not have there is due when it is joined', async () => {
    await apply('Contact', child(1, null));
    await rows(`update sfsync.link set waiting = jsonb_build_object('AccountId', $1::text)`, [PARENT]);
    expect(await apply('Account', parent(PARENT))).toMatchObject({ alsoDue: ['Contact'] });
    expect(await rows('select l.salesforce_id from borrowers b join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: PARENT },
    ]);
    expect(await linkOfChild()).toMatchObject({ waiting: {}, dirty: true, parent: null });
  });

  test.for([
    ['before', [child(1, PARENT)], []],
    ['after', [], [child(1, PARENT)]],
  ] as const)('for a parent that is merged is read again, its file %s that one', async ([, before, after]) => {
    await apply('Account', parent(OTHER));
    await apply('Contact', ...before);
    await apply('Account', merged);
    await apply('Contact', ...after);
    expect(await linkOfChild()).toMatchObject({ waiting: { AccountId: PARENT }, reread_due: true });
  });

  test('for a parent that was merged and lives again is joined to it', async () => {
    await apply('Account', parent(OTHER), merged);
    await apply('Account', parent(PARENT, 3));
    await apply('Contact', child(1, PARENT));
    expect(await linkOfChild()).toMatchObject({ waiting: {}, reread_due: false });
  });
});

describe('a merge of parents', () => {
  test('lets an edit of the lookup that comes after it be an edit', async () => {
    await apply('Account', parent(PARENT), parent(OTHER));
    await apply('Contact', child(1, PARENT));
    await apply('Account', merged);
    await rows('update borrowers set lender_id = null');
    const decided = await decide('Contact', await collect('Contact'), child(1, OTHER));
    expect(decided).toMatchObject({ conflicts: 0, pushes: [{ push: { outgoing: { fields: { AccountId: null } } } }] });
  });

  test('that a read-back shows first moves the children all the same', async () => {
    await apply('Account', parent(PARENT), parent(OTHER));
    await apply('Contact', child(1, PARENT));
    await rows(`update lenders set name = 'Edited' where salesforce_id = $1`, [PARENT]);
    const decided = await decide('Account', await collect('Account'), parent(PARENT));
    // The row takes what Salesforce has, so that nothing keeps it.
    await rows(`update lenders set name = $2 where salesforce_id = $1`, [PARENT, parent(PARENT).fields.Name]);
    await settle('Account', decided, merged, 'not applied');
    expect(await rows('select l.salesforce_id from borrowers b left join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: OTHER },
    ]);
    expect(await linkOfChild()).toMatchObject({ waiting: {}, reread_due: true, parent: OTHER });
  });
});

test('a read-back that names a parent which was merged since has the child read again', async () => {
  await apply('Account', parent(PARENT));
  await apply('Contact', child(1, PARENT));
  await rows(`update borrowers set last_name = 'Edited'`);
  const decided = await decide('Contact', await collect('Contact'), child(1, PARENT));
  await apply('Account', { ...deletedVersion('Account', OTHER, 2), mergedInto: PARENT });
  await settle('Contact', decided, version('Contact', CHILD, 3, { AccountId: OTHER, LastName: 'Edited' }));
  expect(await linkOfChild()).toMatchObject({ waiting: { AccountId: OTHER }, reread_due: true });
});

test('a child is not put to rest while another transaction may be writing the id of its parent, or has just done so', async () => {
  await apply('Contact', child(1, null));
  await rows(`insert into lenders (name) values ('New')`);
  await rows('update borrowers set lender_id = (select id from lenders)');
  let second = 1;
  const isDue = async () => {
    await rows('update sfsync.link set dirty = true');
    second++;
    await apply('Contact', version('Contact', CHILD, second, { LastName: `Edited ${second}` }));
    return (await linkOfChild()).dirty;
  };
  expect(await isDue()).toBe(false);
  const other = await lender.session();
  await other.query('begin');
  await other.query(`update lenders set salesforce_id = '${PARENT}'`);
  expect(await isDue()).toBe(true);
  await other.query('commit');
  expect(await isDue()).toBe(true);
});
