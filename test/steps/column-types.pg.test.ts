import { expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import sample from '../../examples/lender/sync.config.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { lockRows, type RowSelection } from '../../postgres/tables/rows.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const LONG_AFTER = Date.UTC(2030, 0, 1);
const ID = '006000000000001AAA';
const lender = useLenderDatabase('test');
const { rows } = lender;

function file(session: Session, ...versions: SalesforceVersion[]) {
  const context = contextOf(session, sample, 'Opportunity', 'a file');
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(context, 'f', lines, LONG_AFTER);
}

function fieldsOf(session: Session, selection: RowSelection) {
  const { mapping } = contextOf(session, sample, 'Opportunity', 'a look');
  return inTransaction(session, () => lockRows(session, sample, mapping, selection));
}

test.for([
  ['text[]', '{Car,House}', '{House,"Car"}'],
  ['varchar(40)[]', '{Car,House}', '{House,"Car"}'],
  ['purpose[]', '{Car,House}', '{House,Car}'],
  ['purposes_of_the_application', '{Car,House}', '{House,Car}'],
  ['jsonb', '["Car", "House"]', '["House", "Car", null]'],
  ['json', '["Car","House"]', ' ["House" ,"Car"]'],
  ['text', 'Car;House', ' House; Car'],
  ['varchar(40)', 'Car;House', 'House;Car'],
] as const)('a column of type %s holds a set', async ([type, written, spelled]) => {
  const session = await lender.session();
  await rows(`create schema kinds; create type kinds.purpose as enum ('Car', 'House', 'Boat');
    create domain purposes_of_the_application as text[] check (cardinality(value) < 4);
    grant usage on schema kinds to sfsync_apply`);
  const column = type.startsWith('purpose[') ? `kinds.${type}` : type;
  await rows(`alter table loan_applications alter purposes type ${column} using null`);
  const shown = () => rows('select purposes::text as value from loan_applications order by salesforce_id');
  const purposes = async () => (await fieldsOf(session, { salesforceIds: [ID] }))[0]?.fields.Purposes__c;

  await file(session, version('Opportunity', ID, 1, { Purposes__c: 'Car;House' }));
  expect(await shown()).toEqual([{ value: written }]);
  await rows(`update loan_applications set purposes = '${spelled}'`);
  expect(await purposes()).toBe('Car;House');
  expect(await file(session, version('Opportunity', ID, 2, { Purposes__c: 'Boat' }))).toMatchObject({ rejected: 0 });
  expect(await purposes()).toBe('Boat');

  const others = [
    version('Opportunity', '006000000000002AAA', 1, { Purposes__c: 'Car;House' }),
    version('Opportunity', '006000000000003AAA', 1, { Purposes__c: 'Boat', Name: null }),
  ];
  expect(await file(session, ...others)).toMatchObject({ inserted: 1, rejected: 1 });
  expect((await shown()).at(-1)).toEqual({ value: written });
  await rows(`update loan_applications set purposes = null`);
  expect(await purposes()).toBeNull();
});

test('JSON that is no array is no set, and says nothing of the other rows', async () => {
  const session = await lender.session();
  await rows('alter table loan_applications alter purposes type jsonb using null');
  await file(session, version('Opportunity', ID, 1), version('Opportunity', '006000000000002AAA', 1));
  await rows(
    `update loan_applications set purposes = case salesforce_id when '${ID}' then '{"a": 1}' else 'null' end::jsonb`,
  );
  const look = () => fieldsOf(session, { salesforceIds: [ID, '006000000000002AAA'] });
  await expect(look()).rejects.toMatchObject({ code: 'COLUMN_UNREADABLE' });
  const found = new Map((await look()).map(({ salesforceId, fields }) => [salesforceId, fields.Purposes__c]));
  expect(found.get(ID)).toEqual({ unreadable: true });
  expect(found.get('006000000000002AAA')).toBeNull();
});
