/** A row that a read does not show is not always gone: what may hide rows, and what the steps make of it. */
import { beforeEach, describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { lockRows } from '../../postgres/tables/rows.ts';
import { applyVersions } from '../../steps/apply.ts';
import { withMappingInForce } from '../../steps/mapping-in-force/columns.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';

const CONTACT = '003000000000001AAA';
const UPDATE = { id: CONTACT, push: { outgoing: { fields: { Phone: '2' } } } };
const LATER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let key: string;
beforeEach(async () => {
  session = await lender.session();
  await apply(1, { Phone: '1' });
  key = String((await rows('select id from borrowers'))[0]?.id);
});

function apply(second: number, fields: Record<string, string>) {
  const each = { line: 1, version: version('Contact', CONTACT, second, fields) };
  return applyVersions(contextOf(session, configuration, 'Contact'), 'f', [each], LATER);
}

/** COLLECT, look and DECIDE of the row; answers what is to be sent. */
async function sent() {
  const rounds = await OutboundRounds.begin(session, configuration, 'Contact');
  const chosen = await rounds.collectKeys(key);
  return (await rounds.decide(chosen, () => version('Contact', CONTACT, 1, { Phone: '1' }))).pushes;
}

describe('row level security', () => {
  const refused = { name: 'ConfigurationError', code: 'ROW_SECURITY', message: expect.stringContaining('bypassrls') };

  test('stops the steps; when the role sees all rows again, they go on, and nothing is deleted', async () => {
    await rows('alter table borrowers enable row level security');
    await rows(`update borrowers set phone = '2'`);
    await expect(sent()).rejects.toMatchObject(refused);
    await expect(apply(2, { Phone: '3' })).rejects.toMatchObject(refused);
    await rows('alter table borrowers disable row level security');
    expect(await sent()).toMatchObject([UPDATE]);
  });

  test('of the parents stops them, too: an empty join would clear the lookup', async () => {
    await rows(`insert into lenders (name, salesforce_id) values ('Acme', '001000000000001AAA')`);
    await rows('update borrowers set lender_id = (select id from lenders)');
    await rows('alter table lenders enable row level security');
    await expect(sent()).rejects.toMatchObject(refused);
  });

  test('that lets the role see everything by a policy does not do: a policy may change', async () => {
    await rows('alter table borrowers enable row level security');
    await rows('create policy all_rows on borrowers to sfsync_apply using (true) with check (true)');
    await expect(sent()).rejects.toMatchObject(refused);
  });

  test('of our own tables stops them', async () => {
    await rows('alter table sfsync.link enable row level security');
    await expect(sent()).rejects.toMatchObject(refused);
  });
});

describe('a missing right', () => {
  test.each(['select on borrowers', 'select on lenders'])('%s: nothing is inferred from it', async (right) => {
    await rows(`insert into lenders (name, salesforce_id) values ('Acme', '001000000000001AAA')`);
    await rows('update borrowers set lender_id = (select id from lenders)');
    await rows(`revoke ${right} from sfsync_apply`);
    await expect(sent()).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
  });
});

describe('a view in the place of a table', () => {
  test.each(['', 'with (security_barrier)'])('is refused: it may hide rows %s', async (options) => {
    await rows(`alter table borrowers rename to everyone;
      create view borrowers ${options} as select * from everyone where phone is distinct from '2';
      grant select, insert, update, delete on borrowers to sfsync_apply`);
    await rows(`update everyone set phone = '2'`);
    const refused = { name: 'ConfigurationError', code: 'NOT_A_TABLE', message: expect.stringContaining('a view') };
    await expect(sent()).rejects.toMatchObject(refused);
    await expect(apply(2, { Phone: '3' })).rejects.toMatchObject(refused);
  });
});

describe('a table that others inherit from', () => {
  beforeEach(async () => {
    await rows('create table vip_borrowers () inherits (borrowers)');
  });
  const inherited = async () => (await rows('select phone from vip_borrowers'))[0]?.phone;

  test('has the rows that are published: those of a child are neither read nor written', async () => {
    await rows(`insert into vip_borrowers (id, last_name, phone, salesforce_id)
                select id, last_name, 'of the child', salesforce_id from only borrowers`);
    await rows(`update only borrowers set phone = '2'`);
    expect(await sent()).toMatchObject([UPDATE]);
    await apply(2, { Phone: '3' });
    expect(await inherited()).toBe('of the child');
  });

  test('a row that was moved into a child is not gone: its record is not deleted', async () => {
    await rows(`with moved as (delete from only borrowers returning *) insert into vip_borrowers select * from moved`);
    expect(await sent()).toEqual([]);
    await rows(`update vip_borrowers set phone = '2'`);
    expect(await sent()).toMatchObject([UPDATE]);
  });
});

describe('another table under the name', () => {
  test('that took it after the look: the step looks again', async () => {
    const context = contextOf(session, configuration, 'Contact');
    let looks = 0;
    await withMappingInForce(context, undefined, async (columns) => {
      looks += 1;
      if (looks === 1) {
        await rows(`alter table borrowers rename to old;
          create table borrowers (like old including all);
          grant select, insert, update, delete on borrowers to sfsync_apply`);
      }
      await lockRows(session, columns.configuration, columns.mapping, { keys: [key] });
    });
    expect(looks).toBe(2);
  });
});

test('a partitioned table is read with its partitions', async () => {
  await rows(`alter table borrowers rename to old;
    create table borrowers (like old including defaults, primary key (id)) partition by hash (id);
    create table borrowers_0 partition of borrowers for values with (modulus 2, remainder 0);
    create table borrowers_1 partition of borrowers for values with (modulus 2, remainder 1);
    insert into borrowers select * from old;
    grant select, insert, update, delete on borrowers to sfsync_apply`);
  await rows(`update borrowers set phone = '2'`);
  expect(await sent()).toMatchObject([UPDATE]);
});
