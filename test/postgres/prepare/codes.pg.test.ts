import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  boolean,
  defineSync,
  number,
  picklist,
  type SyncDefinition,
  text,
} from '../../../core/mapping/configuration.ts';
import type { ValueMap } from '../../../core/mapping/field-types/value-map.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';

let server: TestPostgres;
let database: TestDatabase;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
});

type Field = SyncDefinition['objects'][string]['fields'][string];

/** What `sfsync prepare` would say of the column, without doing it. */
async function found(column: string, field: Field): Promise<readonly string[]> {
  const client = await database.client();
  await client.query(`
    create type loan_stage as enum ('open', 'won', 'lost');
    create domain small as integer check (value < 10);
    create table loans (id bigint primary key generated always as identity, salesforce_id text unique, other integer, stage ${column})`);
  const configuration = defineSync({ objects: { Opportunity: { table: 'loans', fields: { StageName: field } } } });
  const ofColumn = (line: string) => line.replace(/^ *- /, '').startsWith('public.loans.stage');
  try {
    const { warnings } = await prepareDatabase(client, configuration, { dryRun: true, slot: database.name });
    return warnings.filter(ofColumn).map((line) => `warning ${line}`);
  } catch (error) {
    return String((error as Error).message)
      .split('\n')
      .filter(ofColumn)
      .map((line) => line.replace(/^ *- /, ''));
  }
}

test.for<[column: string, values: ValueMap, said: readonly string[]]>([
  ['integer', { Open: 0, Won: 3 }, []],
  ['integer not null default 0 check (stage in (0, 1))', { Open: 0, Won: 1, '': 0.5 }, ["'0.5' (invalid input syntax"]],
  ['integer check (stage in (0, 1))', { Open: 0, Won: 3 }, ["'3' (new row for relation"]],
  // A check of several columns says nothing of one.
  ['integer check (stage in (0, 1) or other = 1)', { Open: 0, Won: 3 }, []],
  ['smallint', { Open: 0, Won: 40000 }, ['\'40000\' (value "40000" is out of range']],
  ['small', { Open: 0, Won: 40 }, ["'40' (value for domain small violates"]],
  ['numeric(3,1)', { Open: 0.5, Won: 0.25 }, ["has '0.25' in its `values`, which the column holds as something else"]],
  ['varchar(3)', { Open: 'open', Won: 'won' }, ["'open' (value too long"]],
  ['char(3)', { Open: 'o', Won: 'w' }, []],
  ['loan_stage', { Open: 'open', Won: 'closed', Lost: 'lost' }, ["'closed' (invalid input value for enum"]],
  ['loan_stage', { Open: 'open', Won: 'won' }, ["warning public.loans.stage: its type has 'lost', without an entry"]],
  ['boolean', { Open: true, Won: false }, []],
  ['text', { Open: 0, Won: 1 }, ['write the codes as texts']],
  ['integer', { Open: 'o', Won: 'w' }, ['write the codes as numbers']],
])('%s and the values %j: %j', async ([column, values, said]) => {
  expect(await found(column, picklist('stage', { values }))).toEqual(said.map((text) => expect.stringContaining(text)));
});

test('a column of numbers or letters is told to have values', async () => {
  expect(await found('integer', picklist('stage'))).toEqual([
    expect.stringContaining("say what it holds for each value: picklist('stage', { values: { ... } })"),
  ]);
  await database[Symbol.asyncDispose]();
  database = await server.createDatabase();
  expect(await found('char(1)', boolean('stage'))).toEqual([expect.stringContaining("boolean('stage', { values:")]);
});

test('the samples of a computed column are taken by the column', async () => {
  const cents = {
    toPostgres: (euros: string) => String(BigInt(Math.round(Number(euros) * 100))),
    toSalesforce: (held: string) => String(Number(held) / 100),
    samples: { '0.01': '1', '30000000': '3000000000' },
  };
  expect(await found('integer', number('stage', { convert: cents }))).toEqual([
    expect.stringContaining("StageName has in a sample of its `convert` what the column refuses: '3000000000'"),
  ]);
});

test('a column that only PostgreSQL writes need not take the codes', async () => {
  const values = { Open: 'open', Won: 'closed' };
  expect(await found('loan_stage', text('stage', { values, direction: 'to-salesforce' }))).toEqual([
    expect.stringContaining("its type has 'won', 'lost', without an entry"),
  ]);
});
