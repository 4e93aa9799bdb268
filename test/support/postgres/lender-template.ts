/** The sample's database as `npm start` prepares it, of which each test gets a copy: to copy is quicker than to prepare. */
import pg from 'pg';
import configuration from '../../../examples/lender/sync.config.ts';
import { applyApplicationSchema } from '../../../local/postgres/application-schema.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import { LENDER_SCHEMA } from './lender-schema.ts';
import { TEST_PASSWORDS } from './lender-tables.ts';

const NAME = 'sfsync_template';

/** Makes it on the server and answers its name. A slot belongs to one database, so a copy has none yet. */
export async function makeLenderTemplate(serverUrl: string): Promise<string> {
  await connected(serverUrl, (admin) => admin.query(`create database ${NAME}`));
  const url = new URL(serverUrl);
  url.pathname = `/${NAME}`;
  await connected(url.href, async (owner) => {
    await applyApplicationSchema(owner, LENDER_SCHEMA, 'lender');
    await prepareDatabase(owner, configuration, { passwords: TEST_PASSWORDS, slot: NAME });
    await owner.query('select pg_drop_replication_slot($1)', [NAME]);
  });
  return NAME;
}

async function connected(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
