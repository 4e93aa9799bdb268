/** A row filter that fails for some rows: these alone are left, and everything else goes on. */
import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { mappingOf, type SyncConfiguration } from '../../core/mapping/configuration.ts';
import sample from '../../examples/lender/sync.config.ts';
import { noteAllInside } from '../../postgres/ledger/inside-filter.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { chooseNewRows } from '../../steps/new-rows/choose-new-rows.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const FILTERS: Readonly<Record<string, string>> = {
  Contact: '(password_digest)::int is distinct from 0',
  Opportunity: '(underwriter_notes)::int is distinct from 0',
};
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const [BAD, GOOD] = ['003000000000001AAA', '003000000000002AAA'] as const;

const configurationWith = (leaving: 'delete' | 'ignore'): SyncConfiguration => ({
  ...sample,
  objects: sample.objects.map((mapping) => {
    const where = FILTERS[mapping.object];
    return where === undefined ? mapping : { ...mapping, filter: { where, leaving } };
  }),
});

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone, sfsync.insertion`);
  for (const object of ['Contact', 'Opportunity']) await takeLease(session, object, EXECUTION, async () => true);
});

const rejects = () =>
  rows('select salesforce_id, row_key, code from sfsync.rejected_record where resolved_at is null order by id');

test.for(['delete', 'ignore'] as const)(
  'a record stays as it is, with leaving: %s, and the others go',
  async (leaving) => {
    const configuration = configurationWith(leaving);
    const context = contextOf(session, configuration, 'Contact', EXECUTION);
    const file = (second: number, phone: string) =>
      applyVersions(
        context,
        'file',
        [BAD, GOOD].map((id, i) => ({ line: i, version: version('Contact', id, second, { Phone: phone }) })),
        Date.UTC(2030, 0, 1),
      );
    await file(1, '1');
    await rows(`update borrowers set password_digest = 'secret', email = 'a@x.example' where salesforce_id = $1`, [
      BAD,
    ]);
    await rows(`update borrowers set password_digest = '1', email = 'b@x.example' where salesforce_id = $1`, [GOOD]);
    const keys = (await rows('select id::text as key from borrowers')).map(({ key }) => key);
    const receive = () => inTransaction(session, () => receiveKeys(context, keys));
    await receive();
    expect((await chosenRecords(context)).map(({ id }) => id)).toEqual([GOOD]);
    expect(await rejects()).toMatchObject([{ salesforce_id: BAD, code: 'FILTER_FAILED' }]);
    // What comes from Salesforce is not held up.
    expect(await file(2, '2')).toMatchObject({ updated: 2, rejected: 0 });

    await rows(`update borrowers set password_digest = '2' where salesforce_id = $1`, [BAD]);
    await receive();
    expect((await chosenRecords(context)).map(({ id }) => id).sort()).toEqual([BAD, GOOD]);
  },
);

test('a record that is new in Salesforce lands, and its row is listed once it is edited', async () => {
  const context = contextOf(session, configurationWith('delete'), 'Contact', EXECUTION);
  await rows(`alter table borrowers alter password_digest set default 'secret'`);
  const line = { line: 1, version: version('Contact', BAD, 1) };
  expect(await applyVersions(context, 'file', [line], Date.UTC(2030, 0, 1))).toMatchObject({
    inserted: 1,
    rejected: 0,
  });
  await rows('alter table borrowers alter password_digest drop default');
});

test('a new row is listed, and the others are sent', async () => {
  const context = contextOf(session, configurationWith('ignore'), 'Opportunity', EXECUTION);
  const [bad, good] = [randomUUID(), randomUUID()];
  await rows(
    `insert into loan_applications (id, title, stage, closes_on, underwriter_notes)
     values ($1, 'Mine', 'Prospecting', '2026-12-31', 'secret'), ($2, 'Mine', 'Prospecting', '2026-12-31', '1')`,
    [bad, good],
  );
  await inTransaction(session, () => receiveKeys(context, [bad, good]));
  expect((await chooseNewRows(context, 10)).due).toMatchObject([{ externalId: good }]);
  expect(await rejects()).toMatchObject([{ row_key: bad, code: 'FILTER_FAILED' }]);
  expect(await rows('select dirty from sfsync.insertion where row_key = $1', [bad])).toEqual([{ dirty: false }]);
});

test('prepare notes of the others that their rows are inside', async () => {
  const configuration = configurationWith('delete');
  const context = contextOf(session, sample, 'Contact');
  const lines = [BAD, GOOD].map((id, i) => ({ line: i, version: version('Contact', id, 1) }));
  await applyVersions(context, 'file', lines, Date.UTC(2030, 0, 1));
  await rows(`update borrowers set password_digest = case when salesforce_id = $1 then 'secret' else '1' end`, [BAD]);
  expect(await noteAllInside(session, mappingOf(configuration, 'Contact'))).toBe(1);
  expect(await rows('select salesforce_id as id from sfsync.link where was_inside')).toEqual([{ id: GOOD }]);
});
