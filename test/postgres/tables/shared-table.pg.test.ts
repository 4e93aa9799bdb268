/** One table of two objects, as in single-table inheritance: what becomes of a row, and of its records, when its type changes. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  boolean,
  defineSync,
  mappingOf,
  reference,
  type SyncConfiguration,
  type SyncDefinition,
  text,
} from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { holdParents } from '../../../postgres/tables/lookups.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { compareLinks, compareRows } from '../../../steps/comparison/pages.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { OutboundRounds } from '../../support/system/outbound-rounds.ts';
import { contextOf } from '../../support/system/steps.ts';

const LEAD = '00Q000000000001AAA';
const CONTACT = '003000000000001AAA';
const PARENT = '001000000000001AAA';
const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let configuration: SyncConfiguration;

beforeEach(async () => {
  session = await lender.session();
  await rows(`create table people (
    id bigint generated always as identity primary key, type text, lead_id text unique, contact_id text unique,
    name text, phone text, hot boolean, lender_id uuid references lenders deferrable)`);
  await rows('grant select, insert, update, delete on people to sfsync_apply').catch(() => undefined);
  configuration = shared();
});

type Options = Partial<SyncDefinition['objects'][string]>;

/** Leads are rows without a type, as those of a base class of ActiveRecord are; contacts have the name of their class. */
function shared(lead: Options = {}, contact: Options = {}): SyncConfiguration {
  const fields = { LastName: text('name'), AccountId: reference('lender_id', 'Account') };
  const both = { table: 'people', delivery: 'api', insert: true, externalId: 'Key__c', deleteGuard: false } as const;
  return defineSync({
    objects: {
      Account: { table: 'lenders', delivery: 'api', fields: { Name: text('name') } },
      Lead: {
        ...both,
        salesforceId: 'lead_id',
        filter: { values: { type: null }, leaving: 'delete' },
        ...lead,
        fields: { ...fields, Hot__c: boolean('hot') },
      },
      Contact: {
        ...both,
        salesforceId: 'contact_id',
        filter: { values: { type: ['Crm::Contact', 'Crm::Guest'] }, leaving: 'delete' },
        ...contact,
        fields: { ...fields, Phone: text('phone') },
      },
    },
  });
}

function version(id: string, second: number, fields: object = {}, deleted = false): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  const own = id === LEAD ? { Hot__c: false } : { Phone: '1' };
  const shown = { LastName: 'Ada', AccountId: null, ...own, ...fields };
  return { id, deleted, mergedInto: undefined, stamp, fields: id === PARENT ? { Name: 'Acme' } : shown };
}

function arrives(object: string, ...versions: readonly SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'f', lines, Date.UTC(2030, 0, 1));
}

const links = () =>
  rows(
    'select object, salesforce_id as id, row_key as key, base_deleted as deleted, dirty from sfsync.link order by object',
  );
const people = () => rows('select id::text, type, lead_id, contact_id, name, phone, hot from people order by id');
const conflicts = () =>
  rows('select object, salesforce_id as id, field, reason, winner from sfsync.conflict order by id');
const insertions = () => rows('select object, row_key as key from sfsync.insertion order by object');

/** RECEIVE of the row's key for both objects, as the streamer sends it. */
async function received(key: string) {
  const found: Record<string, { marked: number; inserts: number }> = {};
  for (const object of ['Lead', 'Contact']) {
    await session.query('begin');
    const { marked, inserts } = await receiveKeys(contextOf(session, configuration, object), [key]);
    await session.query('commit');
    found[object] = { marked, inserts };
  }
  return found;
}

/** The lead is on both sides. */
async function lead(): Promise<string> {
  await arrives('Lead', version(LEAD, 1));
  const [row] = await people();
  return row.id;
}

describe('what comes from Salesforce', () => {
  test('makes rows of its own object', async () => {
    await arrives('Lead', version(LEAD, 1));
    await arrives('Contact', version(CONTACT, 1));
    expect(await people()).toMatchObject([
      { type: null, lead_id: LEAD, contact_id: null, hot: false },
      { type: 'Crm::Contact', lead_id: null, contact_id: CONTACT, phone: '1' },
    ]);
  });

  test('is neither matched with rows of the other, nor named by their keys', async () => {
    configuration = shared({}, { matchBy: 'LastName' });
    await rows("insert into people (name) values ('Ada')");
    await arrives('Contact', version(CONTACT, 1), { ...version('003000000000002AAA', 1), externalId: '1' } as never);
    expect(await people()).toMatchObject([
      { id: '1', type: null, contact_id: null },
      { id: '2', type: 'Crm::Contact' },
      { id: '3', type: 'Crm::Contact' },
    ]);
  });
});

describe('what the application makes', () => {
  test.each([
    ['null', 'Lead'],
    ["'Crm::Contact'", 'Contact'],
    ["'Crm::Guest'", 'Contact'],
  ])('a row of type %s becomes a %s', async (type, object) => {
    await rows(`insert into people (type, name) values (${type}, 'Ada')`);
    const found = await received('1');
    expect(found[object]).toMatchObject({ inserts: 1 });
    expect(await insertions()).toEqual([{ object, key: '1' }]);
  });

  test('a row of a type that is nobody’s becomes nothing', async () => {
    await rows("insert into people (type, name) values ('Crm::Robot', 'Ada')");
    await received('1');
    expect([await insertions(), await links()]).toEqual([[], []]);
    await compareRows(contextOf(session, configuration, 'Lead'), undefined);
    expect(await insertions()).toEqual([]);
  });
});

describe('a row whose type changes', () => {
  test('leaves the one object and enters the other; each of its records follows', async () => {
    const key = await lead();
    const rounds = await OutboundRounds.begin(session, configuration, 'Lead');
    await rows("update people set type = 'Crm::Contact', name = 'Ada Moss'");
    expect(await received(key)).toEqual({ Lead: { marked: 1, inserts: 0 }, Contact: { marked: 0, inserts: 1 } });
    const { pushes } = await rounds.decide(await rounds.collect(), () => version(LEAD, 1));
    expect(pushes).toMatchObject([{ id: LEAD, push: { outgoing: { kind: 'delete' } } }]);
    await rounds.settle(pushes, () => version(LEAD, 2, {}, true));
    expect(await links()).toMatchObject([{ object: 'Lead', deleted: true, dirty: false }]);

    // Its contact, as the upsert has made it.
    await arrives('Contact', { ...version(CONTACT, 3, { LastName: 'Ada Moss' }), externalId: key } as never);
    expect(await people()).toMatchObject([{ id: key, type: 'Crm::Contact', lead_id: LEAD, contact_id: CONTACT }]);
    expect(await links()).toMatchObject([
      { object: 'Contact', key },
      { object: 'Lead', key },
    ]);

    // And back again: the lead comes out of the recycle bin, the contact goes into it.
    await rows('update people set type = null');
    expect(await received(key)).toMatchObject({ Lead: { marked: 1, inserts: 0 }, Contact: { marked: 1 } });
    const back = await rounds.decide(await rounds.collect(), () => version(LEAD, 2, {}, true), 'one-1');
    expect(back.pushes).toMatchObject([{ push: { outgoing: { kind: 'revive', fields: { LastName: 'Ada Moss' } } } }]);
    const others = await OutboundRounds.begin(session, configuration, 'Contact');
    const shown = () => version(CONTACT, 3, { LastName: 'Ada Moss' });
    const gone = await others.decide(await others.collect(), shown, 'two-1');
    expect(gone.pushes).toMatchObject([{ id: CONTACT, push: { outgoing: { kind: 'delete' } } }]);
    expect(await conflicts()).toEqual([]);
  });

  test('is not written any more by what becomes of the former record', async () => {
    configuration = shared({ filter: { values: { type: null }, leaving: 'ignore' } });
    const key = await lead();
    await rows("update people set type = 'Crm::Contact', hot = null");
    await received(key);
    const rounds = await OutboundRounds.begin(session, configuration, 'Lead');
    expect(await rounds.collect()).toEqual([]);
    const before = await people();
    for (const seen of [
      version(LEAD, 2, { LastName: 'Eve', Hot__c: true }),
      version(LEAD, 3, {}, true),
      version(LEAD, 4),
    ]) {
      await arrives('Lead', seen);
      expect(await people()).toEqual(before);
    }
    expect([await conflicts(), await rows('select from sfsync.tombstone')]).toEqual([[], []]);
    expect(await links()).toMatchObject([{ object: 'Lead', dirty: false, deleted: false }]);
    // What the lead has become meanwhile is in the row when that is a lead again.
    await arrives('Lead', version(LEAD, 5, { LastName: 'Eve' }));
    await rows('update people set type = null');
    await received(key);
    const { pushes } = await rounds.decide(await rounds.collect(), () => version(LEAD, 5, { LastName: 'Eve' }));
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { LastName: 'Ada' } } } }]);
  });

  test('leaves a record that was edited meanwhile, which is listed', async () => {
    const key = await lead();
    await rows("update people set type = 'Crm::Contact'");
    await received(key);
    const rounds = await OutboundRounds.begin(session, configuration, 'Lead');
    const { pushes } = await rounds.decide(await rounds.collect(), () => version(LEAD, 2, { LastName: 'Eve' }));
    expect(pushes).toEqual([]);
    expect(await conflicts()).toEqual([
      { object: 'Lead', id: LEAD, field: null, reason: 'deleted and edited', winner: 'salesforce' },
    ]);
    expect(await people()).toMatchObject([{ name: 'Ada' }]);
    await received(key);
    expect(await rounds.collect()).toEqual([]);
  });

  test('is found by a comparison that has missed the change', async () => {
    const key = await lead();
    await rows("update people set type = 'Crm::Contact'");
    expect(await compareLinks(contextOf(session, configuration, 'Lead'), undefined)).toMatchObject({ marked: 1 });
    expect(await compareRows(contextOf(session, configuration, 'Contact'), undefined)).toMatchObject({ marked: 1 });
    expect(await insertions()).toEqual([{ object: 'Contact', key }]);
  });

  test('while it is on its way as a new one is no record of the former', async () => {
    await rows("insert into people (name) values ('Ada')");
    await received('1');
    await rows("update people set type = 'Crm::Contact'");
    await received('1');
    const rounds = await OutboundRounds.begin(session, configuration, 'Lead');
    expect(await rounds.collect()).toEqual([]);
    // A lead that names it all the same gets a row of its own.
    await arrives('Lead', { ...version(LEAD, 1), externalId: '1' } as never);
    expect(await people()).toMatchObject([
      { id: '1', lead_id: null },
      { id: '2', lead_id: LEAD, type: null },
    ]);
  });

  test('gives way to a row of the object that carries the id of the record', async () => {
    const key = await lead();
    await rows("update people set type = 'Crm::Contact', lead_id = null");
    await rows('insert into people (name, lead_id) values ($1, $2)', ['Ada', LEAD]);
    await received(key);
    await received('2');
    await arrives('Lead', version(LEAD, 2, { LastName: 'Eve' }));
    expect(await people()).toMatchObject([{ name: 'Ada' }, { name: 'Eve', lead_id: LEAD }]);
    expect(await links()).toMatchObject([{ object: 'Lead', key: '2' }]);
  });
});

describe('parents', () => {
  test('that land later are joined when the row is the object’s again', async () => {
    await arrives('Lead', version(LEAD, 1, { AccountId: PARENT }));
    const key = (await people())[0].id;
    await rows("update people set type = 'Crm::Contact'");
    await arrives('Account', version(PARENT, 2));
    expect(await rows('select lender_id from people')).toEqual([{ lender_id: null }]);
    expect(await rows("select waiting from sfsync.link where object = 'Lead'")).toEqual([
      { waiting: { AccountId: PARENT } },
    ]);
    await rows('update people set type = null');
    await received(key);
    await arrives('Lead', version(LEAD, 3, { AccountId: PARENT, LastName: 'Eve' }));
    const [{ id }] = await rows('select id from lenders');
    expect(await rows('select lender_id, name from people')).toEqual([{ lender_id: id, name: 'Eve' }]);
  });

  test('that go are taken out of the rows of each object by that object', async () => {
    await arrives('Account', version(PARENT, 1));
    await arrives('Lead', version(LEAD, 1, { AccountId: PARENT }));
    await arrives('Contact', version(CONTACT, 1, { AccountId: PARENT }));
    await arrives('Account', version(PARENT, 2, {}, true));
    expect(await rows('select lender_id from people')).toEqual([{ lender_id: null }, { lender_id: null }]);
    const waiting = await rows('select object, waiting from sfsync.link where waiting <> $1 order by object', ['{}']);
    expect(waiting).toEqual(['Contact', 'Lead'].map((object) => ({ object, waiting: { AccountId: PARENT } })));
  });

  test('are found by the id that the row carries for the object', async () => {
    const key = await lead();
    const held = await holdParents(session, mappingOf(configuration, 'Lead'), [LEAD]);
    expect([...held]).toEqual([[LEAD, key]]);
    expect((await holdParents(session, mappingOf(configuration, 'Contact'), [LEAD])).size).toBe(0);
  });
});

describe('sfsync prepare', () => {
  const prepare = (given: SyncConfiguration) =>
    prepareDatabase(lender.application, given, { slot: lender.database.name });

  test('publishes the table once', async () => {
    const { warnings } = await prepare(configuration);
    expect(warnings.filter((warning) => warning.includes('people'))).toEqual([]);
    const published = await rows('select tablename as name from pg_publication_tables order by 1');
    expect(published).toEqual([{ name: 'lenders' }, { name: 'people' }]);
    await expect(prepare(configuration)).resolves.toBeDefined();
  });

  test.each([
    ['int', 1, '01'],
    ['boolean', 't', 'true'],
    ['char(3)', 'a', 'a '],
    ['numeric', '1.0', 1],
  ])('refuses values that are the same to a column of type %s', async (type, one, other) => {
    await rows(`alter table people add column kind ${type}`);
    const given = shared({ filter: { values: { kind: one } } }, { filter: { values: { kind: [other] } } });
    await expect(prepare(given)).rejects.toThrow(
      'public.people: values of Lead and Contact are the same to column kind, so a row would belong to both; make them differ',
    );
  });

  test.each([
    ['int', 0, 1],
    ['"char"', 'L', 'C'],
    ['char(1)', 'L', 'C'],
    ['boolean', true, false],
    ['text', null, 'Contact'],
  ])('takes values that differ in a column of type %s', async (type, one, other) => {
    await rows(`alter table people add column kind ${type}`);
    const given = shared({ filter: { values: { kind: one } } }, { filter: { values: { kind: other } } });
    await expect(prepare(given)).resolves.toBeDefined();
  });
});
