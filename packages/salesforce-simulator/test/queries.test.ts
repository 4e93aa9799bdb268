import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import lenderSeed from '../../../examples/lender/seed.ts';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

let org: StartedOrg;
const ids: Record<string, string> = {};

beforeAll(async () => {
  org = await startedOrg();
  ids.acme = await created(org, 'Account', {
    Name: 'Acme Bank',
    Industry: 'Banking',
    AnnualRevenue: 100,
    Phone: "it's",
  });
  org.clock.now += 1000;
  ids.beta = await created(org, 'Account', { Name: 'beta Union', Industry: 'Finance', AnnualRevenue: 200 });
  org.clock.now += 1000;
  ids.gone = await created(org, 'Account', { Name: 'Gone' });
  ids.ada = await created(org, 'Contact', { LastName: 'Ada', AccountId: ids.acme, Birthdate: '1990-05-05' });
  ids.bob = await created(org, 'Contact', { LastName: 'Bob', AccountId: ids.beta, DoNotCall: true });
  ids.cyd = await created(org, 'Contact', { LastName: 'Cyd_%\\', Birthdate: '2000-01-01' });
  const loan = { StageName: 'Prospecting', CloseDate: '2026-02-27', AccountId: ids.acme };
  ids.loan = await created(org, 'Opportunity', { ...loan, Name: 'L1', Amount: 10, Purposes__c: 'Vehicle;Education' });
  await created(org, 'Opportunity', { ...loan, Name: 'L2', Amount: 30, StageName: 'Approved', Purposes__c: 'Vehicle' });
  await org.connection.sobject('Account').destroy(ids.gone);
});
afterAll(() => org[Symbol.asyncDispose]());

/** The names (or last names) that a query answers, in its order. */
async function names(where: string, object = 'Account', options: { scanAll?: boolean } = {}): Promise<unknown[]> {
  const { records } = await org.connection.query(`SELECT Name FROM ${object} ${where}`, options);
  return records.map((record) => record.Name);
}

describe('WHERE', () => {
  const contacts: [string, string[]][] = [
    ["LastName = 'ADA'", ['Ada']],
    ["LastName != 'ada'", ['Bob', 'Cyd_%\\']],
    ["LastName LIKE 'a_a'", ['Ada']],
    ["LastName LIKE '%\\_\\%%'", ['Cyd_%\\']],
    ["LastName LIKE '%\\\\'", ['Cyd_%\\']],
    ["(NOT LastName LIKE 'a%')", ['Bob', 'Cyd_%\\']],
    ["lastname like 'a%' or lastname in ('bob')", ['Ada', 'Bob']],
    ["lastname not in ('ada', 'bob') and not donotcall = true", ['Cyd_%\\']],
    ['birthdate != null order by lastname desc nulls last limit 1', ['Cyd_%\\']],
    ["LastName IN ('ada', 'bob')", ['Ada', 'Bob']],
    ["LastName NOT IN ('ada', 'bob')", ['Cyd_%\\']],
    ['Birthdate = null', ['Bob']],
    ['Birthdate != null', ['Ada', 'Cyd_%\\']],
    ['Birthdate > 1990-05-05', ['Cyd_%\\']],
    ['Birthdate <= 1990-05-05', ['Ada']],
    ['DoNotCall = true', ['Bob']],
    ["DoNotCall = false AND (LastName = 'bob' OR Birthdate < 2000-01-01)", ['Ada']],
    ["NOT (LastName = 'ada' OR LastName = 'bob')", ['Cyd_%\\']],
    ["LastName = 'bob' OR (LastName = 'ada' AND NOT DoNotCall = true)", ['Ada', 'Bob']],
    ["Account.Industry = 'banking'", ['Ada']],
    ['AccountId = null', ['Cyd_%\\']],
    ['AccountId IN (SELECT Id FROM Account WHERE AnnualRevenue > 150)', ['Bob']],
    ['AccountId NOT IN (SELECT Id FROM Account WHERE AnnualRevenue > 150)', ['Ada']],
    ['CreatedDate = TODAY', ['Ada', 'Bob', 'Cyd_%\\']],
    ['CreatedDate < YESTERDAY', []],
    ['CreatedDate >= LAST_N_DAYS:1', ['Ada', 'Bob', 'Cyd_%\\']],
  ];
  test.each(contacts)('%s', async (where, expected) => {
    expect(await names(`WHERE ${where}`, 'Contact')).toEqual(expected);
  });

  const opportunities: [string, string[]][] = [
    ["Purposes__c INCLUDES ('Vehicle;Education')", ['L1']],
    ["Purposes__c INCLUDES ('Education', 'Vehicle')", ['L1', 'L2']],
    ["Purposes__c EXCLUDES ('Education')", ['L2']],
    ['Amount > 10.5', ['L2']],
    ['CloseDate = LAST_N_DAYS:5', ['L1', 'L2']],
    ['CloseDate = LAST_WEEK', ['L1', 'L2']],
    ['CloseDate = THIS_WEEK', []],
    ['CloseDate = LAST_MONTH', ['L1', 'L2']],
  ];
  test.each(opportunities)('%s', async (where, expected) => {
    expect(await names(`WHERE ${where}`, 'Opportunity')).toEqual(expected);
  });

  test('ids match with 15 or 18 characters, and case counts', async () => {
    expect(await names(`WHERE Id = '${ids.acme?.slice(0, 15)}'`)).toEqual(['Acme Bank']);
    expect(await names(`WHERE Id IN ('${ids.beta}', '${ids.acme}', '${ids.acme}')`)).toEqual([
      'Acme Bank',
      'beta Union',
    ]);
    expect(await refusal(names("WHERE Id = 'nonsense'"))).toEqual({
      errorCode: 'INVALID_QUERY_FILTER_OPERATOR',
      message: 'invalid ID field: nonsense',
    });
  });

  test('quotes inside of text', async () => {
    expect(await names("WHERE Phone = 'it\\'s'")).toEqual(['Acme Bank']);
  });

  test('datetimes compare by the second: milliseconds of the query do not count', async () => {
    const stamp = String((await org.connection.sobject('Account').retrieve(String(ids.beta))).SystemModstamp);
    const second = stamp.slice(0, 19);
    expect(await names(`WHERE SystemModstamp >= ${second}.900Z`)).toEqual(['beta Union']);
    expect(await names(`WHERE SystemModstamp > ${second}.000Z`)).toEqual([]);
    expect(await names(`WHERE SystemModstamp = ${second}Z`)).toEqual(['beta Union']);
    expect(await names(`WHERE SystemModstamp < ${second}Z`)).toEqual(['Acme Bank']);
  });

  test('a keyset cursor over stamp and id reads on where it stopped', async () => {
    const stamp = String((await org.connection.sobject('Contact').retrieve(String(ids.ada))).SystemModstamp).slice(
      0,
      19,
    );
    const where = `WHERE SystemModstamp > ${stamp}Z OR (SystemModstamp = ${stamp}Z AND Id > '${ids.ada}') ORDER BY SystemModstamp, Id`;
    expect(await names(where, 'Contact')).toEqual(['Bob', 'Cyd_%\\']);
  });
});

describe('indexes', () => {
  test('answer the same as looking at all records', async () => {
    await using seeded = await startedOrg({ seed: lenderSeed });
    const { records } = await seeded.connection.query(
      'SELECT Id, SystemModstamp, AccountId FROM Contact ORDER BY SystemModstamp',
    );
    const [early, middle, late] = [50, 150, 250].map((i) => records[i]);
    const stamp = (record: typeof early) => `${String(record?.SystemModstamp).slice(0, 19)}Z`;
    const conditions = [
      `SystemModstamp > ${stamp(middle)}`,
      `SystemModstamp >= ${stamp(early)} AND SystemModstamp < ${stamp(late)}`,
      `SystemModstamp > ${stamp(early)} AND SystemModstamp >= ${stamp(middle)} AND SystemModstamp <= ${stamp(late)}`,
      `SystemModstamp = ${stamp(middle)} OR SystemModstamp = ${stamp(late)}`,
      'SystemModstamp = LAST_N_DAYS:9',
      'SystemModstamp <= N_DAYS_AGO:9',
      'SystemModstamp > N_DAYS_AGO:9 AND SystemModstamp < N_DAYS_AGO:3',
      `Id IN ('${late?.Id}', '${early?.Id}') OR AccountId = '${middle?.AccountId}'`,
      `AccountId = '${middle?.AccountId}' AND SystemModstamp != ${stamp(middle)}`,
      `(SystemModstamp > ${stamp(middle)} OR (SystemModstamp = ${stamp(middle)} AND Id > '${middle?.Id}')) AND DoNotCall = false`,
      `NOT SystemModstamp > ${stamp(middle)}`,
    ];
    const ids = async (where: string) =>
      (await seeded.connection.query(`SELECT Id FROM Contact WHERE ${where}`)).records.map((record) => record.Id);
    for (const where of conditions) {
      const found = await ids(where);
      expect([where, found]).toEqual([where, await ids(`(${where}) OR Title = 'no such title'`)]);
      expect([where, found.length > 0 && found.length < 300]).toEqual([where, true]);
    }
  });
});

describe('SELECT', () => {
  test('parents come nested, null when the lookup is empty', async () => {
    const { records } = await org.connection.query('SELECT id, name, account.NAME, Account.Owner.Name FROM contact');
    expect(records[0]).toEqual({
      attributes: { type: 'Contact', url: `/services/data/v66.0/sobjects/Contact/${ids.ada}` },
      Id: ids.ada,
      Name: 'Ada',
      Account: {
        attributes: { type: 'Account', url: `/services/data/v66.0/sobjects/Account/${ids.acme}` },
        Name: 'Acme Bank',
        Owner: { attributes: expect.objectContaining({ type: 'User' }), Name: 'Integration User' },
      },
    });
    expect(records[2]).toMatchObject({ Account: null });
  });

  test('children come as an inner result', async () => {
    const { records } = await org.connection.query(
      'SELECT Name, (SELECT LastName FROM Contacts WHERE DoNotCall = false) FROM Account ORDER BY Name',
    );
    expect(records).toMatchObject([
      { Name: 'Acme Bank', Contacts: { totalSize: 1, done: true, records: [{ LastName: 'Ada' }] } },
      { Name: 'beta Union', Contacts: null },
    ]);
  });

  test('FIELDS(ALL) needs a LIMIT of at most 200', async () => {
    const { records } = await org.connection.query('SELECT FIELDS(ALL) FROM Opportunity LIMIT 1');
    expect(records[0]).toHaveProperty('Purposes__c');
    const custom = await org.connection.query('SELECT FIELDS(CUSTOM) FROM Opportunity LIMIT 1');
    expect(Object.keys(custom.records[0] ?? {}).filter((name) => !name.endsWith('__c'))).toEqual(['attributes']);
    expect(await refusal(org.connection.query('SELECT FIELDS(ALL) FROM Opportunity'))).toEqual({
      errorCode: 'MALFORMED_QUERY',
      message: 'The SOQL FIELDS function must have a LIMIT of at most 200',
    });
  });

  test('COUNT() has a size and no records; aggregates and groups have rows', async () => {
    expect(await org.connection.query('SELECT COUNT() FROM Contact')).toMatchObject({ totalSize: 3, records: [] });
    const { records } = await org.connection.query(
      'SELECT StageName, COUNT(Id) n, SUM(Amount), MIN(CloseDate) earliest FROM Opportunity GROUP BY StageName',
    );
    expect(records).toMatchObject([
      { StageName: 'Prospecting', n: 1, expr0: 10, earliest: '2026-02-27' },
      { StageName: 'Approved', n: 1, expr0: 30 },
    ]);
  });
});

describe('ORDER BY, LIMIT, OFFSET', () => {
  test('text sorts without case, nulls come first unless the query asks otherwise', async () => {
    expect(await names('ORDER BY Name DESC')).toEqual(['beta Union', 'Acme Bank']);
    expect(await names('ORDER BY Birthdate', 'Contact')).toEqual(['Bob', 'Ada', 'Cyd_%\\']);
    expect(await names('ORDER BY Birthdate DESC NULLS LAST', 'Contact')).toEqual(['Cyd_%\\', 'Ada', 'Bob']);
    expect(await names('ORDER BY Account.Name NULLS LAST', 'Contact')).toEqual(['Ada', 'Bob', 'Cyd_%\\']);
  });

  test('a page by LIMIT and OFFSET', async () => {
    expect(await names('ORDER BY Name LIMIT 1 OFFSET 1', 'Contact')).toEqual(['Bob']);
    expect(await refusal(names('OFFSET 2001'))).toMatchObject({ message: 'Maximum SOQL offset allowed is 2000' });
  });
});

describe('deleted records', () => {
  test('only queryAll shows them', async () => {
    expect(await names("WHERE Name = 'Gone'")).toEqual([]);
    expect(await names('WHERE IsDeleted = true')).toEqual([]);
    expect(await names('WHERE IsDeleted = true', 'Account', { scanAll: true })).toEqual(['Gone']);
  });
});

describe('what is refused', () => {
  const cases: [string, string, string][] = [
    ['SELECT Nope FROM Account', 'INVALID_FIELD', "No such column 'Nope' on entity 'Account'."],
    ['SELECT Id FROM Account WHERE Nope = 1', 'INVALID_FIELD', "No such column 'Nope' on entity 'Account'."],
    ['SELECT Nope.Name FROM Account', 'INVALID_FIELD', "Didn't understand relationship 'Nope' in field path."],
    ['SELECT Id FROM Nope', 'INVALID_TYPE', "sObject type 'Nope' is not supported."],
    ['SELECT Id, Id FROM Account', 'MALFORMED_QUERY', 'duplicate field selected: Id'],
    ['SELEC Id FROM Account', 'MALFORMED_QUERY', "unexpected token: 'SELEC'"],
    ['SELECT Id FROM Account WHERE', 'MALFORMED_QUERY', "unexpected token: '<EOF>'"],
    [
      "SELECT Id FROM Account WHERE Name = 'a' AND Phone = 'b' OR Fax = 'c'",
      'MALFORMED_QUERY',
      "unexpected token: 'OR'",
    ],
    [
      "SELECT Id FROM Account WHERE Description = 'a'",
      'INVALID_FIELD',
      "field 'Description' can not be filtered in a query call",
    ],
    [
      "SELECT Id FROM Account WHERE CreatedDate > '2020-01-01'",
      'INVALID_FIELD',
      "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
    ],
    [
      'SELECT Id FROM Account WHERE Name = 5',
      'INVALID_FIELD',
      'must be of type string and should be enclosed in quotes',
    ],
    [
      'SELECT Id FROM Account WHERE CALENDAR_YEAR(CreatedDate) = 2026',
      'MALFORMED_QUERY',
      'the org simulator does not evaluate',
    ],
    ['SELECT Id FROM Account USING SCOPE mine', 'MALFORMED_QUERY', 'the org simulator does not evaluate USING SCOPE'],
  ];
  test.each(cases)('%s', async (soql, errorCode, reason) => {
    const error = await refusal(org.connection.query(soql));
    expect(error.errorCode).toBe(errorCode);
    expect(error.message).toContain(reason);
  });

  test('the Tooling API knows no object', async () => {
    const answer = await org.call('GET', '/tooling/query?q=SELECT%20Id%20FROM%20SandboxProcess');
    expect([answer.status, answer.json]).toMatchObject([400, [{ errorCode: 'INVALID_TYPE' }]]);
  });

  test('an address that is too long', async () => {
    const soql = encodeURIComponent(`SELECT Id FROM Account WHERE Name = '${'x'.repeat(17_000)}'`);
    expect((await org.call('GET', `/query?q=${soql}`)).status).toBe(414);
  });
});

describe('pages', () => {
  test('hold 2,000 at most, batchSize counts from 200 up, and a locator answers the same again', async () => {
    await using large = await startedOrg();
    for (let i = 0; i < 13; i++)
      await large.connection.sobject('Account').create(
        Array.from({ length: 200 }, (_, k) => ({ Name: `${i * 200 + k}` })),
        { allOrNone: true },
      );
    const soql = '/query?q=SELECT%20Name%20FROM%20Account';
    const page = (answer: unknown) =>
      answer as { totalSize: number; done: boolean; nextRecordsUrl: string; records: object[] };
    const first = page((await large.call('GET', soql)).json);
    expect(first).toMatchObject({ totalSize: 2600, done: false });
    expect(first.nextRecordsUrl).toMatch(/^\/services\/data\/v66\.0\/query\/01g\w{15}-2000$/);
    expect(first.records).toHaveLength(2000);
    const second = page((await large.call('GET', `~${first.nextRecordsUrl}`)).json);
    expect([second.records.length, second.done]).toEqual([600, true]);
    const [account] = (await large.connection.query('SELECT Id FROM Account ORDER BY Id DESC LIMIT 1')).records;
    await large.connection.sobject('Account').destroy(String(account?.Id));
    expect((await large.call('GET', `~${first.nextRecordsUrl}`)).json).toEqual(second);

    const sized = async (n: number) =>
      page((await large.call('GET', soql, undefined, { 'Sforce-Query-Options': `batchSize=${n}` })).json).records
        .length;
    expect([await sized(1), await sized(500), await sized(5000)]).toEqual([200, 500, 2000]);
    await large.faults({ smallPages: { size: 3, times: 1 } });
    expect([await sized(500), await sized(500)]).toEqual([3, 500]);
    expect((await large.call('GET', '/query/01gnothing-1')).json).toMatchObject([
      { errorCode: 'INVALID_QUERY_LOCATOR' },
    ]);

    const all = await large.connection.query('SELECT Id FROM Account', { autoFetch: true, maxFetch: 5000 });
    expect(all.records).toHaveLength(2599);
  });

  test('columns=true describes the columns', async () => {
    const answer = await org.call('GET', '/query/?q=SELECT%20Id,Account.Name%20FROM%20Contact&columns=true');
    expect(answer.json).toMatchObject({ columnMetadata: [{ columnName: 'Id' }, { columnName: 'Account.Name' }] });
  });
});
