/**
 * Lookups to read-only objects: what waits for a user that has no row yet, and the names by which rows choose a user or a record type.
 * A row of such an object never becomes a record, so nobody waits for that.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { defineSync, recordType, reference, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { inLedger } from '../../../steps/step.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const NOW = Date.UTC(2026, 0, 2);
const [ADA, BEN, LOAN, HOME, CAR, OTHER_HOME] = [
  ...['005000000000001AAA', '005000000000002AAA', '006000000000001AAA'],
  ...['012000000000001AAA', '012000000000002AAA', '012000000000003AAA'],
] as [string, string, string, string, string, string];

const configuration = defineSync({
  objects: {
    User: { direction: 'to-postgres', table: 'people', fields: { Username: text('username') } },
    RecordType: {
      ...{ direction: 'to-postgres', table: 'kinds' },
      fields: { DeveloperName: text('developer_name'), SobjectType: text('sobject_type') },
    },
    Opportunity: {
      ...{ table: 'deals', delivery: 'api' },
      fields: {
        Name: text('title'),
        OwnerId: reference('owner_id', 'User'),
        Checker__c: reference('checker', 'User', { by: 'Username' }),
        RecordTypeId: recordType('kind'),
      },
    },
  },
});

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

const prepare = () => prepareDatabase(lender.application, configuration, { slot: lender.database.name });
beforeEach(async () => {
  await rows(`
    create table people (id bigint generated always as identity primary key, salesforce_id text unique, username text unique);
    create table kinds (id bigint generated always as identity primary key, salesforce_id text unique,
      developer_name text, sobject_type text, constraint kind_name unique (developer_name, sobject_type));
    create table deals (id bigint generated always as identity primary key, salesforce_id text unique, title text,
      owner_id bigint references people deferrable, checker text, kind text);
    create index on deals (owner_id)`);
  await prepare();
  session = await lender.session();
  await takeLease(session, 'Opportunity', EXECUTION, async () => true);
});

function record(id: string, second: number, fields: FieldValues): SalesforceVersion {
  return { ...version('Account', id, second), fields };
}
const user = (id: string, Username: string, second = 1) => record(id, second, { Username });
const kind = (id: string, DeveloperName: string, SobjectType = 'Opportunity') =>
  record(id, 1, { DeveloperName, SobjectType });
const loan = (second: number, more: FieldValues = {}) =>
  record(LOAN, second, {
    ...{ Name: 'Barn', OwnerId: null, Checker__c: null, RecordTypeId: null },
    ...more,
  });

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}

/** What the application's edits bring to Salesforce, which is as `look` says. */
async function pushed(look: SalesforceVersion) {
  const context = contextOf(session, configuration, 'Opportunity', EXECUTION);
  const keys = (await rows('select id::text as key from deals')).map(({ key }) => key);
  await inLedger(context, { lease: true }, (inForce) => receiveKeys(inForce, keys));
  const looks = (await chosenRecords(context)).map((each) => ({ ...each, version: look }));
  const { pushes } = await decideBatch(context, 'one', looks, { readAt: NOW, now: NOW });
  return pushes.map(({ push }) => push.outgoing);
}

const deal = async () =>
  (
    await rows('select d.checker, d.kind, p.salesforce_id as owner from deals d left join people p on p.id = owner_id')
  )[0];
const link = async () =>
  (await rows(`select waiting, dirty, base ->> 'OwnerId' as owner from sfsync.link where object = 'Opportunity'`))[0];
const OPEN = 'select code, field from sfsync.rejected_record where resolved_at is null order by field';

describe('a record whose owner has no row yet', () => {
  test('waits with null, clears nothing in Salesforce, and names the owner when that comes', async () => {
    await apply('Opportunity', loan(1, { OwnerId: ADA, Checker__c: BEN }));
    expect(await deal()).toEqual({ owner: null, checker: null, kind: null });
    expect(await link()).toMatchObject({ waiting: { OwnerId: ADA, Checker__c: BEN }, dirty: false });
    await rows(`update deals set title = 'Mill'`);
    expect(await pushed(loan(1, { OwnerId: ADA, Checker__c: BEN }))).toEqual([
      { kind: 'update', fields: { Name: 'Mill' } },
    ]);
    await rows('update sfsync.link set push_id = null, sent = null, sent_at = null');

    await apply('User', user(ADA, 'ada@lender.example'));
    expect(await deal()).toMatchObject({ owner: ADA, checker: null });
    await apply('User', user(BEN, 'ben@lender.example'));
    expect(await deal()).toMatchObject({ owner: ADA, checker: 'ben@lender.example' });
    expect(await link()).toMatchObject({ waiting: {}, owner: ADA });
  });

  test('and that the application gives to another user meanwhile goes to that one', async () => {
    await apply('User', user(BEN, 'ben@lender.example'));
    await apply('Opportunity', loan(1, { OwnerId: ADA }));
    await rows('update deals set owner_id = (select id from people)');
    expect(await pushed(loan(1, { OwnerId: ADA }))).toEqual([{ kind: 'update', fields: { OwnerId: BEN } }]);
    await apply('User', user(ADA, 'ada@lender.example'));
    expect(await deal()).toMatchObject({ owner: BEN });
  });
});

describe('a row that names', () => {
  beforeEach(async () => {
    await apply('User', user(ADA, 'ada@lender.example'));
    await apply('Opportunity', loan(1, { OwnerId: ADA }));
  });

  test('a row that is no user is listed, keeps the owner in Salesforce, and sends all else', async () => {
    await rows(`insert into people (username) values ('made@by.application')`);
    await rows(`update deals set title = 'Mill', owner_id = (select id from people where salesforce_id is null)`);
    expect(await pushed(loan(1, { OwnerId: ADA }))).toEqual([{ kind: 'update', fields: { Name: 'Mill' } }]);
    expect(await rows(OPEN)).toEqual([{ code: 'PARENT_WITHOUT_RECORD', field: 'OwnerId' }]);
  });

  test('a user by a name that comes later is listed until then', async () => {
    await rows(`update deals set checker = 'ben@lender.example'`);
    expect(await pushed(loan(1, { OwnerId: ADA }))).toEqual([]);
    expect(await rows(OPEN)).toEqual([{ code: 'PARENT_WITHOUT_RECORD', field: 'Checker__c' }]);
    await apply('User', user(BEN, 'ben@lender.example'));
    expect(await pushed(loan(1, { OwnerId: ADA }))).toEqual([{ kind: 'update', fields: { Checker__c: BEN } }]);
  });

  test('a record type of a name that another object has, too, means its own', async () => {
    await apply('RecordType', kind(OTHER_HOME, 'Home_Loan', 'Account'), kind(HOME, 'Home_Loan'), kind(CAR, 'Car_Loan'));
    await rows(`update deals set kind = 'Home_Loan'`);
    expect(await pushed(loan(1, { OwnerId: ADA }))).toEqual([{ kind: 'update', fields: { RecordTypeId: HOME } }]);
  });
});

describe('a column by which rows are named', () => {
  test.for([
    [
      'alter table people drop constraint people_username_key',
      'checker: names rows of User by username, which must be unique',
    ],
    ['alter table kinds drop constraint kind_name', 'kind: names rows of RecordType by developer_name, sobject_type'],
    [
      `alter table people drop constraint people_username_key; create unique index on people (username) where username > ''`,
      'checker: names rows of User by username, which must be unique',
    ],
    [
      'alter table kinds drop constraint kind_name, add unique (developer_name, sobject_type, id)',
      'kind: names rows of RecordType by developer_name, sobject_type, which must be unique',
    ],
  ] as const)('is refused where it is not unique: %s', async ([statement, fault]) => {
    await rows(statement);
    await expect(prepare()).rejects.toThrow(fault);
  });

  test('may be unique by itself', async () => {
    await rows('alter table kinds drop constraint kind_name, add unique (developer_name)');
    await expect(prepare()).resolves.toBeDefined();
  });
});
