/** The server reports no error, and the row is not what was written: triggers and rules of the application that leave writes out. */
import { beforeEach, describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const [KEPT, OTHER] = ['003000000000001AAA', '003000000000002AAA'];
const LATER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

function apply(...versions: readonly ReturnType<typeof version>[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, 'Contact'), 'f', lines, LATER);
}
const contact = (id: string, second: number, phone: string) => version('Contact', id, second, { Phone: phone });
const phones = () => rows('select salesforce_id as id, phone from borrowers order by 1');
const rejects = () => rows('select salesforce_id as id, code from sfsync.rejected_record order by id');
const IGNORED = [{ id: KEPT, code: 'ROW_NOT_WRITTEN' }];

async function trigger(event: string, body: string) {
  await rows(`create function meddle() returns trigger language plpgsql as $$ begin ${body} end $$;
    create trigger meddle before ${event} on borrowers for each row execute function meddle()`);
}

describe('a record whose row the database leaves out without a word is rejected, and the others go on', () => {
  test('an insert that a trigger drops: the record would look deleted', async () => {
    await trigger('insert', `if new.phone = 'no' then return null; end if; return new;`);
    expect(await apply(contact(KEPT, 1, 'no'), contact(OTHER, 1, 'yes'))).toMatchObject({ inserted: 1, rejected: 1 });
    expect(await phones()).toEqual([{ id: OTHER, phone: 'yes' }]);
    expect(await rejects()).toEqual(IGNORED);
    expect(await rows('select salesforce_id as id from sfsync.link where row_key is not null')).toEqual([
      { id: OTHER },
    ]);
  });

  test('an insert that a trigger sends to another table, as partitioning was done before there was any', async () => {
    await rows('create table borrowers_old () inherits (borrowers)');
    await trigger(
      'insert',
      `if new.phone = 'no' then insert into borrowers_old select new.*; return null; end if; return new;`,
    );
    await rows('grant insert on borrowers_old to sfsync_apply');
    await apply(contact(KEPT, 1, 'no'), contact(OTHER, 1, 'yes'));
    expect(await rejects()).toEqual(IGNORED);
    expect(await rows('select from borrowers_old')).toEqual([]);
  });

  test('an insert to which a trigger gives another key', async () => {
    await trigger('insert', `if new.phone = 'no' then new.id := gen_random_uuid(); end if; return new;`);
    await apply(contact(KEPT, 1, 'no'), contact(OTHER, 1, 'yes'));
    expect(await phones()).toEqual([{ id: OTHER, phone: 'yes' }]);
    expect(await rejects()).toEqual(IGNORED);
  });

  test('an update that a trigger drops: the row would be pushed back over the edit', async () => {
    await apply(contact(KEPT, 1, '1'), contact(OTHER, 1, '1'));
    await trigger('update', `if old.salesforce_id = '${KEPT}' then return null; end if; return new;`);
    expect(await apply(contact(KEPT, 2, '2'), contact(OTHER, 2, '2'))).toMatchObject({ updated: 1, rejected: 1 });
    expect(await phones()).toEqual([
      { id: KEPT, phone: '1' },
      { id: OTHER, phone: '2' },
    ]);
    expect(await rejects()).toEqual(IGNORED);
    expect(await rows('select from sfsync.link where dirty')).toEqual([]);
  });

  test('an update that a rule turns into nothing', async () => {
    await apply(contact(KEPT, 1, '1'), contact(OTHER, 1, '1'));
    await rows(`create rule quiet as on update to borrowers where old.salesforce_id = '${KEPT}' do instead nothing`);
    await apply(contact(KEPT, 2, '2'), contact(OTHER, 2, '2'));
    expect(await phones()).toMatchObject([{ phone: '1' }, { phone: '2' }]);
    expect(await rejects()).toEqual(IGNORED);
  });

  test('a delete that a trigger drops', async () => {
    await apply(contact(KEPT, 1, '1'), contact(OTHER, 1, '1'));
    await trigger('delete', `if old.salesforce_id = '${KEPT}' then return null; end if; return old;`);
    await apply(
      deletedVersion('Contact', KEPT, 2, { Phone: '1' }),
      deletedVersion('Contact', OTHER, 2, { Phone: '1' }),
    );
    expect(await phones()).toEqual([{ id: KEPT, phone: '1' }]);
    expect(await rejects()).toEqual(IGNORED);
  });
});
