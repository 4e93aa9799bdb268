/** What the application's developers do to its tables while it runs. */
import type pg from 'pg';
import { recordTable } from '../world/recording.ts';

export type Migration = 'add column' | 'swap table' | 'alter type';

/** The one table that no other refers to. */
const SWAPPED = 'public.loan_applications';

/** `detail`: the table; or, of a type, `table column type`. */
export async function migrate(client: pg.PoolClient, how: Migration, detail: string): Promise<void> {
  switch (how) {
    case 'add column':
      await client.query(`alter table ${detail} add column chaos_${Date.now()} text default 'new'`);
      return;
    case 'alter type': {
      const [table, column, type] = detail.split(' ');
      await client.query(`alter table ${table} alter column ${column} type ${type}`);
      return;
    }
    case 'swap table':
      await client.query(SWAP);
      return;
    default:
      throw how satisfies never;
  }
}

/** A table with the same rows takes the place of the old one, as some tools for big migrations do it. */
const SWAP = `
lock table ${SWAPPED} in access exclusive mode;
create table public.chaos_new (like ${SWAPPED} including all);
insert into public.chaos_new select * from ${SWAPPED};
drop table ${SWAPPED};
alter table public.chaos_new rename to loan_applications;
alter table ${SWAPPED}
  add foreign key (lender_id) references public.lenders deferrable,
  add foreign key (borrower_id) references public.borrowers deferrable;
create trigger touch_updated_at before update on ${SWAPPED} for each row execute function public.touch_updated_at();
${recordTable(SWAPPED, 'Opportunity')}
`;
