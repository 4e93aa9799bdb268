/**
 * New rows that depend on each other, inserted in one transaction: all become records at once, parents before their
 * children, also where parent and child are rows of one table. The schedule that looks for changes without an announcement is switched off.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LocalSystem } from '../../local/system.ts';
import { BothSides, until } from '../support/system/both-sides.ts';
import { copyProject, type ProjectCopy } from '../support/system/project-copy.ts';

vi.setConfig({ testTimeout: 120_000 });

const SCHEMA = `
alter table public.lenders add column if not exists parent_id uuid references public.lenders deferrable;
alter table public.borrowers add column if not exists reports_to_id uuid references public.borrowers deferrable;
alter table public.loan_applications add column if not exists borrower_id uuid references public.borrowers deferrable;
`;

/** New rows travel through the API in any case; updates of borrowers do, too. */
const CONFIGURATION = `
import { date, defineSync, number, reference, text } from '../../core/mapping/configuration.ts';

const inserts = { insert: true, externalId: 'External_Id__c' };

export default defineSync({
  objects: {
    Account: {
      ...inserts,
      table: 'public.lenders',
      fields: { Name: text('name'), ParentId: reference('parent_id', 'Account') },
    },
    Contact: {
      ...inserts,
      delivery: 'api',
      table: 'public.borrowers',
      fields: {
        LastName: text('last_name'),
        AccountId: reference('lender_id', 'Account'),
        ReportsToId: reference('reports_to_id', 'Contact'),
      },
    },
    Opportunity: {
      ...inserts,
      table: 'public.loan_applications',
      fields: {
        Name: text('title'),
        Amount: number('amount'),
        StageName: text('stage'),
        CloseDate: date('closes_on'),
        AccountId: reference('lender_id', 'Account'),
        Borrower__c: reference('borrower_id', 'Contact'),
      },
    },
  },
  settings: { announceEverySeconds: 1, pushDeadlineSeconds: 10, requestLifeSeconds: 1 },
});
`;

/** Which column of which table is which lookup, and to what. */
const LOOKUPS = [
  { object: 'Account', table: 'lenders', column: 'parent_id', field: 'ParentId', parent: 'lenders' },
  { object: 'Contact', table: 'borrowers', column: 'lender_id', field: 'AccountId', parent: 'lenders' },
  { object: 'Contact', table: 'borrowers', column: 'reports_to_id', field: 'ReportsToId', parent: 'borrowers' },
  { object: 'Opportunity', table: 'loan_applications', column: 'lender_id', field: 'AccountId', parent: 'lenders' },
  {
    object: 'Opportunity',
    table: 'loan_applications',
    column: 'borrower_id',
    field: 'Borrower__c',
    parent: 'borrowers',
  },
] as const;
const TABLES = { Account: 'lenders', Contact: 'borrowers', Opportunity: 'loan_applications' } as const;

const WAITING = `select from sfsync.insertion where object <> 'Account' and not dirty and push_id is null`;

const FAMILIES = 40;

describe('new families', () => {
  let project: ProjectCopy | undefined;
  let system: LocalSystem | undefined;
  let sides: BothSides;

  beforeAll(async () => {
    project = await copyProject({ configuration: CONFIGURATION, schema: SCHEMA });
    const module: typeof import('../../local/system.ts') = await import(
      pathToFileURL(join(project.directory, 'local/system.ts')).href
    );
    system = await module.startLocal({
      configurationFile: project.configurationFile,
      directory: project.stateDirectory,
      pollMs: 1_000,
    });
    sides = new BothSides(system);
    const loaded = `select from lenders having (select count(*) from borrowers) = 300
      and (select count(*) from loan_applications) = 500`;
    await until('the sample in PostgreSQL', async () => (await sides.row(loaded)) !== undefined);
    await sides.rest();
    await withoutSafetyNet();
  }, 120_000);

  afterAll(async () => {
    await sides?.detach();
    await system?.stop();
    await project?.[Symbol.asyncDispose]();
  }, 60_000);

  /** Nothing looks for what was not announced. */
  const withoutSafetyNet = async (): Promise<void> => {
    const { Rules } = await sides.system.call<{ Rules: { Name: string }[] }>('events', 'ListRules', {});
    const names = Rules.map(({ Name }) => Name).filter((name) => name.includes('SafetyNet'));
    expect(names).toHaveLength(3);
    for (const Name of names) await sides.system.call('events', 'DisableRule', { Name });
  };

  const inTransaction = async (work: (client: pg.PoolClient) => Promise<void>) => {
    const client = await sides.database.connect();
    try {
      await client.query('begin; set constraints all deferred');
      await work(client);
      await client.query('commit');
    } finally {
      client.release();
    }
  };

  /** Lender under lender, a borrower of the lower one and one that reports to the first, and a loan of the second one. */
  const family = async (i: number): Promise<void> => {
    const [bank, branch, chief, borrower, loan] = [
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
    ];
    const person = 'insert into borrowers (id, last_name, lender_id, reports_to_id) values ($1, $2, $3, $4)';
    const statements: [string, unknown[]][] = [
      ['insert into lenders (id, name) values ($1, $2)', [bank, `Bank ${i}`]],
      ['insert into lenders (id, name, parent_id) values ($1, $2, $3)', [branch, `Branch ${i}`, bank]],
      [person, [chief, `Chief ${i}`, branch, null]],
      [person, [borrower, `Borrower ${i}`, bank, chief]],
      [
        `insert into loan_applications (id, title, stage, closes_on, lender_id, borrower_id)
         values ($1, $2, 'Prospecting', '2031-05-31', $3, $4)`,
        [loan, `Loan ${i}`, branch, borrower],
      ],
    ];
    // In whichever order an application may have them.
    const order =
      i % 3 === 0 ? statements : i % 3 === 1 ? statements.toReversed() : statements.toSorted(() => (i % 2) - 0.5);
    await inTransaction(async (client) => {
      for (const [sql, values] of order) await client.query(sql, values);
    });
  };

  const lacking = async () => {
    const tables = Object.values(TABLES).map(
      (table) => `select '${table}' as table, id from ${table} where salesforce_id is null`,
    );
    return sides.rows(tables.join(' union all '));
  };

  /** No file of Salesforce comes, and shows a parent's record: what is announced the outbound machine announces. */
  const withoutFiles = async (work: () => Promise<void>): Promise<void> => {
    const flows = Object.keys(TABLES).map((object) => sides.resource(`inboundFlow.${object}`));
    for (const flowName of flows) await sides.system.call('appflow', 'StopFlow', { flowName });
    try {
      await work();
    } finally {
      for (const flowName of flows) await sides.system.call('appflow', 'StartFlow', { flowName });
    }
  };

  const allRecords = async (): Promise<void> => {
    let left: unknown[] = [];
    const all = async () => {
      left = await lacking();
      return left.length === 0;
    };
    await until('the ids in all rows', all, () => left);
  };

  /** No row and no record was made twice, and each lookup names the record of the parent's row. */
  const expectFamilies = async (): Promise<void> => {
    await sides.rest();
    for (const [object, table] of Object.entries(TABLES)) {
      const soql = `SELECT Id, External_Id__c FROM ${object} WHERE External_Id__c != null`;
      const { records } = await sides.salesforce.query<{ Id: string; External_Id__c: string }>(soql, {
        autoFetch: true,
        maxFetch: 5000,
      });
      const rows = await sides.rows(`select id, salesforce_id from ${table} where id = any ($1)`, [
        records.map(({ External_Id__c }) => External_Id__c),
      ]);
      const byKey = new Map(rows.map(({ id, salesforce_id }) => [id, salesforce_id]));
      expect(records.every(({ Id, External_Id__c }) => byKey.get(External_Id__c) === Id)).toBe(true);
      const [counted] = await sides.rows<{ rows: number }>(`select count(*)::int as rows from ${table}`);
      const { totalSize } = await sides.salesforce.query(`SELECT Id FROM ${object}`, { maxFetch: 1 });
      expect({ object, records: totalSize }).toEqual({ object, records: counted?.rows });
    }
    for (const { object, table, column, field, parent } of LOOKUPS) {
      const expected = await sides.rows<{ id: string; parent: string }>(
        `select c.salesforce_id as id, p.salesforce_id as parent from ${table} c join ${parent} p on p.id = c.${column} order by 1`,
      );
      const soql = `SELECT Id, ${field} FROM ${object} WHERE ${field} != null ORDER BY Id`;
      const { records } = await sides.salesforce.query<Record<string, string>>(soql, {
        autoFetch: true,
        maxFetch: 5000,
      });
      expect(records.map((record) => ({ id: record.Id, parent: record[field] }))).toEqual(expected);
    }
    expect(await sides.rows('select from sfsync.insertion')).toEqual([]);
    expect(await sides.rows('select object, code from sfsync.rejected_record where resolved_at is null')).toEqual([]);
    expect(await sides.rows('select from sfsync.conflict')).toEqual([]);
  };

  test('of five rows in one transaction, many at once: one record each, with its lookups, within seconds', async () => {
    await withoutFiles(async () => {
      await Promise.all(Array.from({ length: FAMILIES }, (_, i) => family(i)));
      await allRecords();
    });
    await expectFamilies();
  });

  test('likewise while the files of the new parents come', async () => {
    await Promise.all(Array.from({ length: FAMILIES }, (_, i) => family(FAMILIES + i)));
    await allRecords();

    await expectFamilies();
  });

  test('whose parents become records long after the children were looked at', async () => {
    const children = async () => {
      const running = await sides.executions('postgresToSalesforce', 'RUNNING');
      const inputs = await Promise.all(
        running.map(async ({ executionArn }) => (await sides.describe(executionArn)).input),
      );
      return inputs.filter((input) => !input.includes('"Account"')).length;
    };
    await withoutFiles(async () => {
      await sides.faults({
        slowAnswer: { kinds: ['collections'], object: 'Account', client: 'sfsync', afterMs: 8_000 },
      });
      await family(2 * FAMILIES);
      await until('children that wait', async () => (await sides.rows(WAITING)).length === 3);
      await until('the end of the execution that looked at them', async () => (await children()) === 0);
      await sides.faults({ slowAnswer: null });
      await allRecords();
    });
    await expectFamilies();
  });

  test('children that had another parent follow their rows to a new one, by either way', async () => {
    const bank = randomUUID();
    const three = (table: string) => sides.rows<{ id: string }>(`select id from ${table} limit 3`);
    const [borrowers, loans] = [await three('borrowers'), await three('loan_applications')];
    const moved = async (object: string) => {
      const soql = `SELECT Id FROM ${object} WHERE Account.External_Id__c = '${bank}'`;
      return (await sides.salesforce.query(soql)).totalSize === 3;
    };
    await withoutFiles(async () => {
      const move = (table: string) => `update ${table} set lender_id = $1 where id = any ($2)`;
      await inTransaction(async (client) => {
        await client.query(move('borrowers'), [bank, borrowers.map(({ id }) => id)]);
        await client.query(move('loan_applications'), [bank, loans.map(({ id }) => id)]);
        await client.query('insert into lenders (id, name) values ($1, $2)', [bank, 'New Bank']);
      });
      await until('their lookups', async () => (await moved('Contact')) && (await moved('Opportunity')));
    });
    await expectFamilies();
  });
});
