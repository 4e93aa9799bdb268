/** JOIN: children that waited, and what the table or another transaction has against it. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILDREN = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
const [, BAD] = CHILDREN;

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record'));

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}
const children = () =>
  apply('Contact', ...CHILDREN.map((id) => version('Contact', id, 1, { AccountId: PARENT, LastName: id })));
const joined = async () =>
  (await rows('select salesforce_id as id from borrowers where lender_id is not null order by 1')).map(({ id }) => id);
const waiting = async () =>
  (await rows(`select salesforce_id as id from sfsync.link where waiting <> '{}' order by 1`)).map(({ id }) => id);
const open = () =>
  rows('select salesforce_id as id, field, code from sfsync.rejected_record where resolved_at is null');

describe('a child that a deferred constraint refuses', () => {
  beforeEach(async () => {
    await rows(`create function no_parent() returns trigger language plpgsql as $$
                begin raise check_violation using message = 'it must have no parent'; end $$`);
    await rows(`create constraint trigger no_parent after update of lender_id on borrowers deferrable initially deferred
                for each row when (new.last_name = '${BAD}' and new.lender_id is not null) execute function no_parent()`);
  });
  afterEach(() => rows('drop trigger no_parent on borrowers; drop function no_parent'));

  test('is listed alone and goes on waiting; the others are joined, and the parent lands', async () => {
    await children();
    expect(await apply('Account', version('Account', PARENT, 1))).toMatchObject({ inserted: 1, rejected: 0 });
    expect(await joined()).toEqual([CHILDREN[0], CHILDREN[2]]);
    expect(await waiting()).toEqual([BAD]);
    expect(await open()).toEqual([{ id: BAD, field: 'AccountId', code: '23514' }]);
  });

  test('is joined, and listed no more, when the constraint lets it', async () => {
    await children();
    await apply('Account', version('Account', PARENT, 1));
    await rows('alter table borrowers disable trigger no_parent');
    await apply('Account', version('Account', PARENT, 2));
    expect([await joined(), await waiting(), await open()]).toEqual([[...CHILDREN], [], []]);
  });
});
