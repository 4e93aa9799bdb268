/** What the application's developers do to its tables while it runs. */
import type pg from 'pg';

/** Answers the keys of rows whose values were written by it. */
export async function migrate(
  client: pg.PoolClient,
  how: 'add column' | 'swap table' | 'alter type',
  detail: string,
): Promise<readonly string[]> {
  if (how === 'add column') {
    await client.query(`alter table ${detail} add column chaos_${Date.now()} text default 'new'`);
    return [];
  }
  throw new Error(`There is no migration ${how} yet`);
}
