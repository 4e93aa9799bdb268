import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeResult } from '../../../cli/load-report.ts';
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { type StartedOrg, startedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { compareSides, type FirstLoad, type LoadReport } from '../../../steps/first-load/compare.ts';
import { linkSides } from '../../../steps/first-load/link.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { createMany, deleteMany } from '../../salesforce/records.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let org: StartedOrg;

beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await lender.application.query(
    'truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.conflict, sfsync.rejected_record',
  );
  org = await startedOrg();
});
afterEach(() => org[Symbol.asyncDispose]());

const BY: Readonly<Record<string, string>> = { Account: 'Website', Contact: 'Email', Opportunity: 'Name' };

/** The sample, with a field to match by for each object. */
const matching: SyncConfiguration = {
  ...configuration,
  objects: configuration.objects.map((mapping) => ({
    ...mapping,
    matchBy: mapping.fields.find(({ field }) => field === BY[mapping.object]),
  })),
};

function load(object: string, more: Partial<FirstLoad> = {}): FirstLoad {
  return {
    session,
    connection: org.connection,
    configuration: matching,
    mapping: mappingOf(matching, object),
    execution: 'sfsync load',
    progress: () => undefined,
    ...more,
  };
}

async function run(object: string, more: Partial<FirstLoad> = {}) {
  const first = load(object, more);
  const report = await compareSides(first);
  return { report, result: await linkSides(first, report) };
}

const contact = (email: string | null, more: object = {}) => ({ LastName: 'Meyer', Email: email, ...more });

async function borrower(email: string | null, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const values = { last_name: 'Meyer', email, ...more };
  const columns = Object.keys(values);
  const [row] = await rows(
    `insert into borrowers (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
    Object.values(values),
  );
  return row?.id ?? '';
}

const idOf = async (key: string) =>
  (await rows('select salesforce_id as id from borrowers where id = $1', [key]))[0]?.id;

describe('the comparison', () => {
  test('counts each record and row once, lists what is ambiguous by id and key, and writes nothing', async () => {
    const ids = await createMany(org, 'Contact', 7, (i) =>
      contact(
        [null, 'a@x.example', 'b@x.example', 'two@x.example', 'two@x.example', 'twins@x.example', 'new@x.example'][i] ??
          null,
      ),
    );
    const [carried = '', , , two = '', alsoTwo = '', twins = ''] = ids;
    await borrower('other@x.example', { salesforce_id: carried });
    await borrower(' a@x.example\n');
    await borrower('b@x.example');
    const single = await borrower('two@x.example');
    const pair = [await borrower('twins@x.example'), await borrower('twins@x.example')].sort();
    await borrower(null);
    await borrower('unknown@x.example');
    await borrower('gone@x.example', { salesforce_id: '003000000000001AAA' });
    const before = await rows('select * from borrowers order by id');

    const report = await compareSides(load('Contact'));
    expect(report).toEqual<LoadReport>({
      object: 'Contact',
      matchBy: 'Email',
      inserts: false,
      counts: {
        records: { linked: 0, byId: 1, byKey: 2, onlyInSalesforce: 1, ambiguous: 3 },
        rows: { onlyInPostgres: 2, ambiguous: 3, idNotLive: 1 },
      },
      ambiguous: expect.arrayContaining([
        { salesforceIds: [two, alsoTwo].sort(), rowKeys: [single] },
        { salesforceIds: [twins], rowKeys: pair },
      ]),
      parentsToLoad: ['Account'],
    });
    expect(report.ambiguous).toHaveLength(2);
    expect(JSON.stringify(report)).not.toContain('@');
    expect(await rows('select * from borrowers order by id')).toEqual(before);
    expect(await rows('select from sfsync.link')).toEqual([]);
    expect((await org.stats()).writes).toEqual({});
  });

  test('knows no key where none is configured: only ids match', async () => {
    await createMany(org, 'Contact', 1, () => contact('a@x.example'));
    await borrower('a@x.example');
    const plain = load('Contact', { configuration, mapping: mappingOf(configuration, 'Contact') });
    expect(await compareSides(plain)).toMatchObject({
      matchBy: undefined,
      counts: { records: { byKey: 0, onlyInSalesforce: 1 }, rows: { onlyInPostgres: 1 } },
    });
  });
});

describe('linking', () => {
  test('by id and by key merges both sides: Salesforce wins, what Postgres owns stays and is due, nothing is logged', async () => {
    const ids = await createMany(org, 'Contact', 2, (i) =>
      contact(`${i}@x.example`, { FirstName: 'Anna', Credit_Score__c: 300 }),
    );
    const [first = '', second = ''] = ids;
    const carrier = await borrower('old@x.example', { salesforce_id: first, first_name: 'Ann', credit_score: 700 });
    const matched = await borrower('1@x.example', { first_name: 'Ann', password_digest: 'kept' });

    const { result } = await run('Contact');
    expect(result).toMatchObject({ matched: 1, linked: 2, inserted: 0, updated: 2, rejected: 0, left: 0, due: true });
    expect(
      await rows(
        'select id, salesforce_id, first_name, email, credit_score, password_digest from borrowers order by email',
      ),
    ).toEqual([
      {
        id: carrier,
        salesforce_id: first,
        first_name: 'Anna',
        email: '0@x.example',
        credit_score: '700',
        password_digest: null,
      },
      {
        id: matched,
        salesforce_id: second,
        first_name: 'Anna',
        email: '1@x.example',
        credit_score: null,
        password_digest: 'kept',
      },
    ]);
    const links = await rows('select salesforce_id, row_key, base, dirty from sfsync.link order by salesforce_id');
    expect(links).toMatchObject([
      { salesforce_id: first, row_key: carrier, base: { FirstName: 'Anna', Credit_Score__c: '300' }, dirty: true },
      { salesforce_id: second, row_key: matched, base: { FirstName: 'Anna', Credit_Score__c: '300' }, dirty: true },
    ]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
    expect((await org.stats()).writes).toEqual({});
  });

  test('makes records of rows that are only in Postgres, where the object takes inserts; a key in the external id is a match', async () => {
    await rows('truncate sfsync.insertion');
    const add = async (title: string) => {
      const sql = `insert into loan_applications (title, stage, closes_on) values ($1, 'Prospecting', '2031-05-31') returning id`;
      return (await rows(sql, [title]))[0]?.id ?? '';
    };
    const [alone, named] = [await add('Alone'), await add('Named')];
    const record = { Name: 'Other', StageName: 'Prospecting', CloseDate: '2031-05-31', External_Id__c: named };
    const { id } = await org.connection.sobject('Opportunity').create(record);
    const { report, result } = await run('Opportunity');
    expect(report).toMatchObject({ inserts: true, counts: { rows: { onlyInPostgres: 2 } } });
    expect(result).toMatchObject({ linked: 1, inserted: 0, newRows: 1, due: true });
    expect(await rows('select row_key, dirty from sfsync.insertion')).toEqual([{ row_key: alone, dirty: true }]);
    expect(await rows('select id, title from loan_applications where salesforce_id = $1', [id])).toEqual([
      { id: named, title: 'Other' },
    ]);
  });

  test('makes rows of records that are only in Salesforce, and leaves alone what is only in Postgres or ambiguous', async () => {
    const ids = await createMany(org, 'Contact', 3, (i) =>
      contact(['new@x.example', 'two@x.example', 'two@x.example'][i] ?? null),
    );
    const alone = await borrower('alone@x.example');
    const ambiguous = await borrower('two@x.example');
    const { result } = await run('Contact');
    expect(result).toMatchObject({ matched: 0, linked: 1, inserted: 1, updated: 0, due: false });
    expect(await rows('select salesforce_id from borrowers where id not in ($1, $2)', [alone, ambiguous])).toEqual([
      { salesforce_id: ids[0] },
    ]);
    expect([await idOf(alone), await idOf(ambiguous)]).toEqual([null, null]);
    expect(await rows('select salesforce_id from sfsync.link')).toEqual([{ salesforce_id: ids[0] }]);
  });

  test('is seen as our own: no change event leaves the database for it', async () => {
    await createMany(org, 'Contact', 1, () => contact('a@x.example'));
    await borrower('a@x.example');
    const [start] = await rows('select pg_current_wal_lsn()::text as lsn');
    // The letters I, U and D of the protocol (PostgreSQL manual, logical replication message formats).
    const changes = () =>
      rows(
        `select chr(get_byte(data, 0)) as kind from pg_logical_slot_peek_binary_changes($1, null, null,
           'proto_version', '1', 'publication_names', 'sfsync', 'origin', 'none')
          where lsn > $2::pg_lsn and get_byte(data, 0) in (73, 85, 68)`,
        [lender.database.name, start?.lsn],
      );
    await run('Contact');
    expect(await changes()).toEqual([]);
    await rows(`update borrowers set phone = '1'`);
    expect(await changes()).toEqual([{ kind: 'U' }]);
  });

  test('done again does nothing, and takes what has become clear since', async () => {
    const [, second = ''] = await createMany(org, 'Contact', 2, () => contact('two@x.example'));
    const row = await borrower('two@x.example');
    await run('Contact');
    expect((await run('Contact')).result).toMatchObject({ matched: 0, linked: 0 });
    await org.connection.sobject('Contact').update({ Id: second, Email: 'other@x.example' });
    const { report, result } = await run('Contact');
    expect(report.counts.records).toMatchObject({ ambiguous: 0, byKey: 1, onlyInSalesforce: 1 });
    expect(result).toMatchObject({ matched: 1, linked: 2, inserted: 1 });
    expect(await idOf(row)).not.toBe(null);
    expect((await run('Contact')).report.counts.records).toMatchObject({ linked: 2, byKey: 0, onlyInSalesforce: 0 });
  });

  test('a record that has a row already does not get the other row with its key', async () => {
    await createMany(org, 'Contact', 1, () => contact('a@x.example'));
    await run('Contact');
    const other = await borrower('a@x.example');
    const { report, result } = await run('Contact');
    expect(report.counts).toMatchObject({ records: { linked: 1 }, rows: { ambiguous: 1 } });
    expect(report.ambiguous).toEqual([
      { salesforceIds: [expect.any(String)], rowKeys: expect.arrayContaining([other]) },
    ]);
    expect(result.linked).toBe(0);
    expect(await idOf(other)).toBe(null);
  });

  test('parents first keeps the lookups that rows have; children first wait for their parents', async () => {
    const [account = ''] = await createMany(org, 'Account', 1, () => ({ Name: 'Acme', Website: 'acme.example' }));
    await createMany(org, 'Contact', 1, () => contact('a@x.example', { AccountId: account }));
    const [parent] = await rows(`insert into lenders (name, website) values ('Acme', 'acme.example') returning id`);
    await borrower('a@x.example', { lender_id: parent?.id });
    const { report } = await run('Contact');
    expect(report.parentsToLoad).toEqual(['Account']);
    expect(await rows('select lender_id from borrowers')).toEqual([{ lender_id: null }]);
    await run('Account');
    expect(await rows('select lender_id from borrowers')).toEqual([{ lender_id: parent?.id }]);
    expect((await compareSides(load('Contact'))).parentsToLoad).toEqual([]);
    expect(await rows('select waiting, dirty from sfsync.link')).toEqual(
      Array.from({ length: 2 }, () => ({ waiting: {}, dirty: false })),
    );
  });

  test('a row that the database refuses is listed, the others go on, and the next run tries it again', async () => {
    await rows('alter table borrowers add constraint short check (length(phone) < 5)');
    const ids = await createMany(org, 'Contact', 50, (i) =>
      contact(`${i}@x.example`, { Phone: i === 20 ? '12345' : '1' }),
    );
    const { result } = await run('Contact');
    expect(result).toMatchObject({ linked: 49, inserted: 49, rejected: 1, reasons: [{ code: '23514', count: 1 }] });
    expect(await rows('select salesforce_id, source from sfsync.rejected_record')).toEqual([
      { salesforce_id: ids[20], source: 'sfsync load' },
    ]);
    expect(await rows('select from sfsync.link where base is null')).toEqual([]);
    await rows('alter table borrowers drop constraint short');
    expect((await run('Contact')).result).toMatchObject({ linked: 1, inserted: 1, rejected: 0 });
    expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
  });
});

test('a row that may not have its id is listed, and its record becomes no other row', async () => {
  await rows(`create function no_id() returns trigger language plpgsql as
    $$ begin if new.email = '3@x.example' and new.salesforce_id is not null then raise 'no'; end if; return new; end $$`);
  await rows('create trigger no_id before update on borrowers for each row execute function no_id()');
  const ids = await createMany(org, 'Contact', 8, (i) => contact(`${i}@x.example`));
  for (let i = 0; i < 8; i++) await borrower(`${i}@x.example`);
  const { result } = await run('Contact');
  expect(result).toMatchObject({
    matched: 7,
    linked: 7,
    inserted: 0,
    rejected: 1,
    reasons: [{ code: 'P0001', count: 1 }],
  });
  expect(await rows('select salesforce_id, row_key is not null as keyed, source from sfsync.rejected_record')).toEqual([
    { salesforce_id: ids[3], keyed: true, source: 'sfsync load' },
  ]);
  await rows('drop function no_id cascade');
  expect((await run('Contact')).result).toMatchObject({ matched: 1, linked: 1, rejected: 0 });
  expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
});

describe('beside the live stream', () => {
  /** Does something once, between the first read of records and what follows from it. */
  function afterRead(what: () => Promise<unknown>): FirstLoad['connection'] {
    let done = false;
    return new Proxy(org.connection, {
      get(target, name) {
        if (name !== 'request') return Reflect.get(target, name);
        return async (request: { readonly method?: string }) => {
          const answer = await target.request(request as Parameters<typeof target.request>[0]);
          if (!done && request.method === 'POST') {
            done = true;
            await what();
          }
          return answer;
        };
      },
    });
  }

  async function file(...versions: SalesforceVersion[]) {
    const stream = await lender.session();
    const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
    await applyVersions(contextOf(stream, configuration, 'Contact'), 'file', lines, Date.UTC(2030, 0, 1));
  }

  test('a newer file is not overwritten by the older read, and no second row is made', async () => {
    const ids = await createMany(org, 'Contact', 2, (i) => contact(`${i}@x.example`, { Phone: 'old' }));
    await borrower('0@x.example');
    const connection = afterRead(async () => {
      org.clock.now += 5000;
      const changed = { Phone: 'new', FirstName: 'Anna' };
      await org.connection.sobject('Contact').update(ids.map((Id) => ({ Id, ...changed })));
      const stamp = org.clock.now;
      await file(
        ...ids.map((id, i) => ({ ...version('Contact', id, 1, { Email: `${i}@x.example`, ...changed }), stamp })),
      );
    });
    const { result } = await run('Contact', { connection });
    expect(result).toMatchObject({ matched: 1, left: 0 });
    expect(await rows('select email, phone, first_name from borrowers order by email')).toEqual([
      { email: '0@x.example', phone: 'new', first_name: 'Anna' },
      { email: '1@x.example', phone: 'new', first_name: 'Anna' },
    ]);
    expect(await rows('select from sfsync.link where base is not null')).toHaveLength(2);
  });

  test('a record that is deleted after it was read, whose file has passed, becomes no row', async () => {
    const [id = ''] = await createMany(org, 'Contact', 1, () => contact('a@x.example'));
    const connection = afterRead(async () => {
      org.clock.now += 5000;
      await deleteMany(org, [id]);
      await file({ ...deletedVersion('Contact', id, 1), stamp: org.clock.now });
    });
    expect((await run('Contact', { connection })).result).toMatchObject({ linked: 0, inserted: 0 });
    expect(await rows('select from borrowers')).toEqual([]);
  });

  test('a record that is deleted after it was compared leaves its row as it is', async () => {
    const [id = ''] = await createMany(org, 'Contact', 1, () => contact('a@x.example'));
    const row = await borrower('a@x.example');
    const first = load('Contact');
    const report = await compareSides(first);
    await deleteMany(org, [id]);
    expect(await linkSides(first, report)).toMatchObject({ linked: 0, vanished: 1 });
    expect(await idOf(row)).toBe(id);
    expect(await rows('select from sfsync.link')).toEqual([]);
    expect((await compareSides(load('Contact'))).counts.rows).toMatchObject({ onlyInPostgres: 0, idNotLive: 1 });
  });

  test('an edit of the application that is received during the load is due in the end', async () => {
    await createMany(org, 'Contact', 1, () => contact('a@x.example', { Credit_Score__c: 300 }));
    const row = await borrower('a@x.example');
    const connection = afterRead(async () => {
      await rows('update borrowers set credit_score = 700 where id = $1', [row]);
      const stream = await lender.session();
      await inTransaction(stream, () =>
        receiveKeys({ session: stream, configuration, mapping: mappingOf(configuration, 'Contact') }, [row]),
      );
    });
    expect((await run('Contact', { connection })).result).toMatchObject({ linked: 1, left: 0, due: true });
    expect(await rows(`select row_key, dirty, base ->> 'Credit_Score__c' as base from sfsync.link`)).toEqual([
      { row_key: row, dirty: true, base: '300' },
    ]);
    expect(await rows('select credit_score from borrowers')).toEqual([{ credit_score: '700' }]);
  });

  test('a row that has got another key or an id since it was compared is not matched', async () => {
    const [first = '', second = ''] = await createMany(org, 'Contact', 2, (i) => contact(`${i}@x.example`));
    const [rekeyed, carrier] = [await borrower('0@x.example'), await borrower('1@x.example')];
    const step = load('Contact');
    const report = await compareSides(step);
    expect(report.counts.records.byKey).toBe(2);
    await rows(`update borrowers set email = 'other@x.example' where id = $1`, [rekeyed]);
    await rows('update borrowers set salesforce_id = $2 where id = $1', [carrier, '003000000000001AAA']);
    expect(await linkSides(step, report)).toMatchObject({ matched: 0, linked: 2, inserted: 2 });
    expect([await idOf(rekeyed), await idOf(carrier)]).toEqual([null, '003000000000001AAA']);
    expect(await rows('select from borrowers where salesforce_id in ($1, $2)', [first, second])).toHaveLength(2);
  });

  test('two loads at once link each record once', async () => {
    await createMany(org, 'Contact', 300, (i) => contact(`${i}@x.example`));
    for (let i = 0; i < 100; i++) await borrower(`${i}@x.example`);
    const other = await lender.session();
    await Promise.all([run('Contact'), run('Contact', { session: other })]);
    expect((await run('Contact')).report.counts).toEqual({
      records: { linked: 300, byId: 0, byKey: 0, onlyInSalesforce: 0, ambiguous: 0 },
      rows: { onlyInPostgres: 0, ambiguous: 0, idNotLive: 0 },
    });
    expect(await rows('select count(*)::int as n from borrowers')).toEqual([{ n: 300 }]);
  });
});

test('goes on without a column that was dropped, a field that vanished and one whose type was changed, and lists them', async () => {
  const [id = ''] = await createMany(org, 'Contact', 1, () => contact('a@x.example', { FirstName: 'Eva' }));
  const row = await borrower('a@x.example', { first_name: 'Eve', do_not_call: true });
  await rows('alter table borrowers rename phone to telephone');
  await org.faults({
    hiddenField: { object: 'Contact', field: 'Birthdate' },
    changedField: { object: 'Contact', field: 'DoNotCall', type: 'picklist' },
  });
  await org.connection.sobject('Contact').update({ Id: id, DoNotCall: 'on Sundays' } as never);
  try {
    const { report, result } = await run('Contact');
    expect(result).toMatchObject({ matched: 1, linked: 1, updated: 1, rejected: 0 });
    expect(await rows('select salesforce_id, first_name, do_not_call from borrowers')).toEqual([
      { salesforce_id: id, first_name: 'Eva', do_not_call: true },
    ]);
    expect(await idOf(row)).toBe(id);
    const lines = describeResult(report, result).filter((line) => line.startsWith('!'));
    expect(lines.sort()).toEqual([
      '! Contact.Birthdate is left out (FIELD_VANISHED): `sfsync check` says what to change',
      '! Contact.DoNotCall is left out (FIELD_TYPE_CHANGED): `sfsync check` says what to change',
      '! Contact.Phone is left out (COLUMN_VANISHED): `sfsync check` says what to change',
    ]);
  } finally {
    await rows('alter table borrowers rename telephone to phone; truncate sfsync.drift, sfsync.mapped_column');
  }
});

test('children that had waited for their parent are due once a load has given it its id', async () => {
  await createMany(org, 'Account', 1, () => ({ Name: 'Bank', Website: 'https://bank.example' }));
  const [parent] = await rows(
    `insert into lenders (name, website) values ('Bank', 'https://bank.example') returning id`,
  );
  const [loan] = await rows(
    `insert into loan_applications (title, stage, closes_on, lender_id) values ('x', 'x', '2031-01-01', $1) returning id`,
    [parent?.id],
  );
  await rows(`insert into sfsync.insertion (object, row_key, dirty) values ('Opportunity', $1, false)`, [loan?.id]);
  expect((await run('Account')).result).toMatchObject({ rejected: 0 });
  const waited = await rows('select dirty from sfsync.insertion where row_key = $1', [loan?.id]);
  expect(waited).toEqual([{ dirty: true }]);
});
