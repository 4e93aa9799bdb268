/** Two deployments work on the same tables: each keeps its own books, and takes what the other writes for an edit. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseNames } from '../../../core/contracts/database-names.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { readDatabaseStatus } from '../../../postgres/prepare/status.ts';
import { withDatabase } from '../../../postgres/session/administration.ts';
import { openSession } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const NAME = 'second';
const PASSWORD = 'second-password';
const names = databaseNames(NAME);
const ACCOUNT = '001000000000001AAA';
const lender = useLenderDatabase('file');

const slot = () => `${lender.database.name}_2`;

beforeAll(async () => {
  await withDatabase(
    lender.database.url,
    (client) => prepareDatabase(client, configuration, { slot: slot(), passwords: { apply: PASSWORD } }),
    NAME,
  );
});
afterAll(async () => {
  // Origins and roles belong to the server.
  const client = await lender.database.client();
  await client.query(
    'select pg_replication_origin_drop(roname) from pg_replication_origin where starts_with(roname, $1)',
    [names.originPrefix],
  );
});

test('everything of the second is there, and nothing of the first has changed', async () => {
  const status = await withDatabase(
    lender.database.url,
    (client) => readDatabaseStatus(client, configuration, slot()),
    NAME,
  );
  expect(status).toMatchObject({
    origins: configuration.settings.origins,
    marking: 'origin',
    missingRoles: [],
    tables: ['Account', 'Contact', 'Opportunity'].map((object) => ({ object, faults: [] })),
  });
  const [schemas] = await lender.rows(
    `select to_regclass('sfsync.link') is not null as first, to_regclass('${names.schema}.link') is not null as second`,
  );
  expect(schemas).toEqual({ first: true, second: true });
});

test('prepared again, the second changes nothing; a slot that is missing although records are linked is reported', async () => {
  const prepareAgain = () =>
    withDatabase(lender.database.url, (client) => prepareDatabase(client, configuration, { slot: slot() }), NAME);
  const again = await prepareAgain();
  expect(again.actions.filter(({ done }) => done === 'created' || done === 'changed')).toEqual([]);
  await lender.rows(
    `insert into ${names.schema}.link (object, salesforce_id, row_key) values ('Contact', '003000000000001AAA', '1')`,
  );
  await lender.rows('select pg_drop_replication_slot($1)', [slot()]);
  const { warnings } = await prepareAgain();
  expect(warnings).toEqual([expect.stringContaining('although records are linked')]);
  expect(await lender.rows(`select object, stage from ${names.schema}.comparison order by 1`)).toEqual(
    ['Account', 'Contact', 'Opportunity'].map((object) => ({ object, stage: 'links' })),
  );
  expect(await lender.rows('select from sfsync.comparison')).toEqual([]);
  await lender.rows(`truncate ${names.schema}.link`);
});

test('both apply to one row, each by a link of its own', async () => {
  const second = await openSession({ ...lender.credentials, username: names.applyRole, password: PASSWORD }, names);
  const first = await lender.session();
  try {
    for (const session of [first, second]) {
      const lines = [{ line: 1, version: version('Account', ACCOUNT, 1, { Name: 'Acme' }) }];
      await applyVersions(contextOf(session, configuration, 'Account'), 'file', lines, Date.UTC(2030, 0, 1));
    }
  } finally {
    await second.end();
  }
  expect(await lender.rows('select name from lenders')).toEqual([{ name: 'Acme' }]);
  for (const schema of ['sfsync', names.schema]) {
    expect(await lender.rows(`select salesforce_id from ${schema}.link`)).toEqual([{ salesforce_id: ACCOUNT }]);
  }
});
