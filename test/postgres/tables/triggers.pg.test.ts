import { beforeEach, expect, test } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const CONTACT = '003000000000001AAA';
const lender = useLenderDatabase('test');
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await lender.application.query(`
    create function lower_email() returns trigger language plpgsql as $$
    begin new.email := lower(new.email); return new; end $$;
    create trigger lower_email before insert or update on borrowers for each row execute function lower_email();
  `);
});

async function apply(second: number, fields: FieldValues) {
  const lines = [{ line: 1, version: version('Contact', CONTACT, second, fields) }];
  return applyVersions(contextOf(session, configuration, 'Contact'), 'f', lines, Date.UTC(2030, 0, 1));
}

async function link() {
  const { rows } = await lender.application.query(
    `select l.dirty, l.base ->> 'Email' as base, b.email from sfsync.link l join borrowers b on b.id::text = l.row_key`,
  );
  return rows;
}

test('what a trigger makes of a new row is due towards Salesforce', async () => {
  expect(await apply(1, { Email: 'Ada@Example.com' })).toMatchObject({ inserted: 1, due: true });
  expect(await link()).toEqual([{ dirty: true, base: 'Ada@Example.com', email: 'ada@example.com' }]);
});

test('what a trigger makes of an update is due; a row that it leaves alone is not', async () => {
  expect(await apply(1, { Email: 'ada@example.com' })).toMatchObject({ inserted: 1, due: false });
  expect(await apply(2, { Email: 'ADA@example.com' })).toMatchObject({ due: true });
  expect(await apply(3, { Email: 'ada@example.com' })).toMatchObject({ due: false });
  expect(await link()).toEqual([{ dirty: false, base: 'ada@example.com', email: 'ada@example.com' }]);
});
