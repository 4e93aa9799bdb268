import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { TestDatabase, TestPostgres } from '../../support/postgres/postgres.ts';
import { startPostgres } from '../../support/postgres/postgres.ts';
import { RAILS_TABLE, railsConfiguration } from '../../support/postgres/rails-table.ts';

let server: TestPostgres;
let database: TestDatabase;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.createDatabase();
  const [table = ''] = RAILS_TABLE.split('grant select');
  await (await database.client()).query(table);
});

/** What `sfsync prepare` would say, without doing it. */
async function found(configuration: SyncConfiguration): Promise<readonly string[]> {
  const client = await database.client();
  try {
    const { warnings } = await prepareDatabase(client, configuration, { dryRun: true, slot: database.name });
    return warnings.filter((warning) => warning.startsWith('public.accounts'));
  } catch (error) {
    return String((error as Error).message)
      .split('\n')
      .filter((line) => line.includes('public.accounts'));
  }
}

describe('columns that allow no null and are unknown to Salesforce', () => {
  test('are named with what to say of them', async () => {
    const bare = railsConfiguration({ touch: undefined, createdAt: undefined, onInsert: {} });
    const lines = await found(bare);
    expect(lines.map((line) => /^public\.accounts\.(\w+):/.exec(line)?.[1])).toEqual([
      'kind',
      'token',
      'created_at',
      'updated_at',
    ]);
    expect(lines[0]).toContain('say what they get: onInsert: { kind: ... }');
  });

  test('are no concern any more once the configuration fills them', async () => {
    expect(await found(railsConfiguration())).toEqual([]);
  });
});

test.each([
  [{ onInsert: { kind: 'three' } }, 'kind: onInsert cannot be used: invalid input syntax for type integer'],
  [{ onInsert: { kind: { sql: 'no_such_function()' } } }, 'kind: onInsert cannot be used: function no_such_function()'],
  [{ onInsert: { kind: { sql: 'name' } } }, 'kind: onInsert cannot be used: column "name" does not exist'],
  [{ onInsert: { kind: null } }, 'kind: allows no null, which onInsert gives it'],
  [
    { onInsert: {}, filter: { where: `kind = 2`, values: { kind: 3, token: 'no uuid' } } },
    'the row filter of Account cannot be used: invalid input syntax for type uuid',
  ],
  [
    { onInsert: { token: { sql: 'gen_random_uuid()' } }, filter: { where: 'kind = 2', values: { kind: 3 } } },
    'the row filter of Account does not hold for a row with its values',
  ],
  [{ onInsert: { nothing: 1 } }, 'nothing: the column does not exist'],
  [
    { touch: 'token', onInsert: { kind: 1 } },
    'token: is of type uuid; touch is a column of type timestamptz, timestamp',
  ],
  [{ updatedAt: 'kind' }, 'kind: is of type int4; updatedAt is a column of type'],
  [{ deleteRow: 'soft', deletedAt: 'removed_at' }, 'removed_at: the column does not exist'],
] as const)('%j is refused', async (options, fault) => {
  const lines = await found(railsConfiguration(options));
  expect(lines).toEqual([expect.stringContaining(fault)]);
});
