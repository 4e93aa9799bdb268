/** PostgreSQL does not take the row as a version from Salesforce has it. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { markLinksDue } from '../../postgres/ledger/mark-due.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const AT = { readAt: Date.UTC(2026, 0, 2), now: Date.UTC(2026, 0, 2) };

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await file(held(1, {}));
  await rows(`alter table lenders add constraint fits check (website is distinct from 'does not fit')`);
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const held = (second: number, fields: object) =>
  version('Account', ACCOUNT, second, { Phone: 'base', Website: 'base', ...fields });
const file = (each: SalesforceVersion) =>
  applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version: each }], Date.UTC(2030, 0, 1));
const state = async () => (await rows('select base, dirty, push_id, reread_due from sfsync.link'))[0];
const openRejects = () => rows('select direction, code from sfsync.rejected_record where resolved_at is null');

async function edit() {
  await rows(`update lenders set phone = 'row'`);
  await markLinksDue(session, 'Account', { salesforceIds: [ACCOUNT] }, 'row changed');
  return chosenRecords(outbound());
}

async function decide(batch: readonly { id: string; revision: number }[], look: SalesforceVersion) {
  return decideBatch(
    outbound(),
    'one-0',
    batch.map((record) => ({ ...record, version: look })),
    AT,
  );
}

describe('an accepted push, and a read-back that shows what PostgreSQL does not take', () => {
  beforeEach(async () => {
    const { pushes } = await decide(await edit(), held(1, {}));
    const readBack = held(5, { Phone: 'row', Website: 'does not fit' });
    const answers = { outcomes: new Map([[ACCOUNT, { id: ACCOUNT, outcome: 'accepted' as const }]]), ...AT };
    await settleBatch(
      outbound(),
      'one-0',
      pushes.map(({ id, revision }) => ({ id, revision, version: readBack })),
      { ...answers, flowFailures: undefined },
    );
  });

  test('what was accepted is the base, and the version is listed', async () => {
    expect(await state()).toMatchObject({ base: { Phone: 'row', Website: 'base' }, dirty: false, push_id: null });
    expect(await openRejects()).toEqual([{ direction: 'to-postgres', code: '23514' }]);
  });

  test('a later edit in Salesforce is no conflict', async () => {
    expect(await file(held(6, { Phone: 'hers', Website: 'fits' }))).toMatchObject({ updated: 1, conflicts: 0 });
    expect(await rows('select phone, website from lenders')).toEqual([{ phone: 'hers', website: 'fits' }]);
    expect(await openRejects()).toEqual([]);
  });

  test('an older version that comes late is not taken for the newest', async () => {
    expect(await file(held(4, { Phone: 'older' }))).toMatchObject({ updated: 0, toRead: [{ id: ACCOUNT }] });
    expect(await openRejects()).toHaveLength(1);
  });
});

test('a look that PostgreSQL does not take: what the row has to send is due again once a version is merged', async () => {
  const { pushes } = await decide(await edit(), held(5, { Website: 'does not fit' }));
  expect(pushes).toEqual([]);
  expect(await state()).toMatchObject({ base: { Phone: 'base' }, dirty: false });
  expect(await openRejects()).toEqual([{ direction: 'to-postgres', code: '23514' }]);
  await file(held(6, { Website: 'fits' }));
  expect([await state(), await openRejects()]).toMatchObject([{ dirty: true }, []]);
});

test('a version of a file that PostgreSQL does not take: an older one that comes after it is read again', async () => {
  expect(await file(held(5, { Website: 'does not fit' }))).toMatchObject({ rejected: 1 });
  expect(await file(held(4, { Phone: 'older' }))).toMatchObject({ updated: 0, toRead: [{ id: ACCOUNT }] });
  expect(await openRejects()).toHaveLength(1);
});
