/** A column whose type was changed so that no statement can use it for its field: the field is left out like one that is gone. */
import { beforeAll, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const ID = '006000000000001AAA';
const ACCOUNT = '001000000000001AAA';
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});

let files = 0;
function apply(object: string, id: string, fields: Readonly<Record<string, string | null>>) {
  files += 1;
  const line = { line: 1, version: version(object, id, files, fields) };
  return applyVersions(contextOf(session, configuration, object, `e-${files}`), 'f', [line], Date.UTC(2030, 0, 1));
}

test('a column that holds no set, and a lookup that is no key of its parent; both come back with what they hold', async () => {
  await apply('Account', ACCOUNT, { Name: 'Acme' });
  await apply('Opportunity', ID, { Name: 'One', Purposes__c: 'Car;House', AccountId: ACCOUNT });
  await rows(`alter table loan_applications drop constraint if exists loan_applications_lender_id_fkey;
              alter table loan_applications alter lender_id type text using lender_id::text,
                                            alter purposes drop default, alter purposes type integer using cardinality(purposes)`);
  const gone = ['AccountId', 'Purposes__c'].map((field) => ({ code: 'COLUMN_VANISHED', field, count: 1 }));
  const changed = { Name: 'Two', Purposes__c: 'Car', AccountId: ACCOUNT };
  expect(await apply('Opportunity', ID, changed)).toMatchObject({ updated: 1, rejected: 0, reasons: gone });
  // The parent's steps name the lookup's column, too.
  expect(await apply('Account', ACCOUNT, { Name: 'Acme 2' })).toMatchObject({ updated: 1, reasons: [] });
  expect(await rows('select title, purposes from loan_applications')).toEqual([{ title: 'Two', purposes: 2 }]);

  await rows(`alter table loan_applications alter lender_id type uuid using lender_id::uuid,
                                            alter purposes type text[] using array['Car', 'House']`);
  expect(await apply('Opportunity', ID, changed)).toMatchObject({ rejected: 0, reasons: [] });
  expect(await rows('select reread_due from sfsync.link where object = $$Opportunity$$')).toEqual([
    { reread_due: true },
  ]);
  expect(await rows('select purposes, lender_id is not null as linked from loan_applications')).toEqual([
    { purposes: ['Car'], linked: true },
  ]);
});
