/** A partitioned table has no unique index on the Salesforce id: the application may copy a row with it. */
import { beforeEach, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { readTables } from '../../postgres/prepare/table-catalog.ts';
import { copiedIds } from '../../postgres/prepare/visibility.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';

const CONTACT = '003000000000001AAA';
const LATER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
  await rows(`alter table borrowers rename to old;
    create table borrowers (like old including defaults, primary key (id)) partition by hash (id);
    create table borrowers_0 partition of borrowers for values with (modulus 1, remainder 0);
    create index on borrowers (salesforce_id);
    grant select, insert, update, delete on borrowers to sfsync_apply`);
});

test('the row of the link remains the row of the record; the copy neither takes its place nor is deleted for it', async () => {
  const apply = (second: number, phone: string) =>
    applyVersions(
      contextOf(session, configuration, 'Contact'),
      'f',
      [{ line: 1, version: version('Contact', CONTACT, second, { Phone: phone }) }],
      LATER,
    );
  await apply(1, '1');
  const original = (await rows('select id from borrowers'))[0]?.id;
  const copy = (
    await rows(
      `insert into borrowers (last_name, phone, salesforce_id) select last_name, 'of the copy', salesforce_id from borrowers returning id`,
    )
  )[0]?.id;
  await apply(2, '2');
  expect(await rows('select id, phone from borrowers order by phone')).toEqual([
    { id: original, phone: '2' },
    { id: copy, phone: 'of the copy' },
  ]);
  const rounds = await OutboundRounds.begin(session, configuration, 'Contact');
  const chosen = await rounds.collectKeys(String(copy));
  const { pushes } = await rounds.decide(chosen, () => version('Contact', CONTACT, 2, { Phone: '2' }));
  expect(pushes).toEqual([]);
  expect(await rows('select row_key from sfsync.link')).toEqual([{ row_key: original }]);
  const listed = await copiedIds(
    lender.application,
    configuration,
    await readTables(lender.application, configuration.objects),
  );
  expect(listed).toEqual([expect.stringMatching(/borrowers.salesforce_id: 1 id\(s\) stand in more than one row/)]);
});
