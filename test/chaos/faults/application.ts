/** What the application does with its tables: it holds rows, and whole tables. */
import type pg from 'pg';
import type { Fault, FaultWorld } from './fault.ts';

/** Rows that are held at once. */
const ROWS = 20;

export const applicationFaults: readonly Fault[] = [
  holding(
    'rows locked by the application',
    (table, random) => `select from ${table} order by md5(id::text || '${random}') limit ${ROWS} for update`,
  ),
  holding('table locked by the application', (table) => `lock table ${table} in share row exclusive mode`),
];

function holding(name: string, statement: (table: string, random: number) => string): Fault {
  return {
    name,
    about: `${name}, in a transaction that stays open for a while.`,
    lasts: [500, 5_000],
    excludes: ['database'],
    async begin({ server, configuration }: FaultWorld, random) {
      const { table } = random.pick(configuration.objects);
      const opened = Promise.withResolvers<number>();
      const over = Promise.withResolvers<void>();
      const held = server.withOwner(async (client: pg.Client) => {
        await client.query('begin');
        const { rowCount } = await client.query(statement(table, random.next()));
        opened.resolve(rowCount ?? 0);
        await over.promise;
        await client.query('rollback');
      });
      held.catch(opened.reject);
      const rows = await opened.promise;
      return {
        detail: rows > 0 ? `${rows} rows of ${table}` : table,
        async end() {
          over.resolve();
          // Where the server has died meanwhile, nothing is held any more.
          await held.catch(() => undefined);
          return undefined;
        },
      };
    },
  };
}
