import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareDatabase } from '../../adapters/postgres/prepare.ts';
import configuration from '../../sync.config.ts';
import { LENDER_TABLES, TEST_PASSWORDS } from '../support/lender-tables.ts';
import type { TestDatabase, TestPostgres } from '../support/postgres.ts';
import { startPostgres } from '../support/postgres.ts';
import { startQueueService } from '../support/queue-service.ts';
import { startStreamer } from '../support/streamer.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

async function preparedDatabase(): Promise<TestDatabase> {
  const database = await server.createDatabase();
  const owner = await database.client();
  await owner.query(LENDER_TABLES);
  await prepareDatabase(owner, configuration, { passwords: TEST_PASSWORDS, slot: database.name });
  return database;
}

describe('the streamer', () => {
  test('publishes which rows changed, announces them, and confirms', async () => {
    const database = await preparedDatabase();
    await using queues = await startQueueService();
    await using streamer = startStreamer(database, queues);
    await streamer.streaming();
    const app = await database.client();
    await app.query("insert into lenders (name) values ('Northwind')");
    await queues.until(() => queues.messages.length === 1);
    expect(queues.messages[0]).toMatchObject({ object: 'Account', keys: [['1', 'insert']] });
    expect(await streamer.end('SIGTERM')).toBe(0);
    expect(queues.announced).toContain('Account');
  });
});
