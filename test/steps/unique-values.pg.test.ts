/** Unique columns: records that take each other's values, or one that another gives up, in one file. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const [A, B, C] = [1, 2, 3].map((n) => id(n)) as [string, string, string];
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone`);
  await rows('alter table borrowers drop constraint if exists one_email');
  await rows('drop index if exists one_email');
  await rows('alter table borrowers alter email drop not null');
});

function id(n: number): string {
  return `003${String(n).padStart(12, '0')}AAA`;
}
const contact = (of: string, second: number, email: string | null, more: SalesforceVersion['fields'] = {}) =>
  version('Contact', of, second, { Email: email, ...more });

function apply(...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, 'Contact'), 'file', lines, Date.UTC(2030, 0, 1));
}

const emails = async () =>
  Object.fromEntries(
    (await rows('select salesforce_id, email from borrowers')).map((row) => [row.salesforce_id, row.email]),
  );
const NONE = { rejected: 0 };

const INDEXES = [
  ['a unique index', 'create unique index one_email on borrowers (email)'],
  ['a unique constraint', 'alter table borrowers add constraint one_email unique (email)'],
  ['a deferrable constraint', 'alter table borrowers add constraint one_email unique (email) deferrable'],
  [
    'one that is deferred',
    'alter table borrowers add constraint one_email unique (email) deferrable initially deferred',
  ],
  ['an index with a condition', 'create unique index one_email on borrowers (email) where not do_not_call'],
  ['an index of an expression', 'create unique index one_email on borrowers (lower(email))'],
  ['an index of several columns', 'create unique index one_email on borrowers (email, do_not_call)'],
  ['an exclusion constraint', 'alter table borrowers add constraint one_email exclude using btree (email with =)'],
  [
    'a deferrable constraint of a column that allows no null',
    'alter table borrowers add constraint one_email unique (email) deferrable, alter email set not null',
  ],
] as const;

describe.each(INDEXES)('by %s', (_, sql) => {
  beforeEach(async () => {
    await apply(contact(A, 1, 'a'), contact(B, 1, 'b'), contact(C, 1, 'c'));
    await rows(sql);
  });

  test('two records exchange their values, and three shift theirs', async () => {
    expect(await apply(contact(A, 2, 'b'), contact(B, 2, 'a'))).toMatchObject({ ...NONE, updated: 2 });
    expect(await emails()).toMatchObject({ [A]: 'b', [B]: 'a' });
    expect(await apply(contact(A, 3, 'c'), contact(B, 3, 'b'), contact(C, 3, 'a'))).toMatchObject(NONE);
    expect(await emails()).toMatchObject({ [A]: 'c', [B]: 'b', [C]: 'a' });
  });

  test('one takes what another gives up, whichever comes first', async () => {
    expect(await apply(contact(A, 2, 'b'), contact(B, 2, 'd'))).toMatchObject(NONE);
    expect(await apply(contact(B, 3, 'c'), contact(C, 3, 'e'))).toMatchObject(NONE);
    expect(await emails()).toEqual({ [A]: 'b', [B]: 'c', [C]: 'e' });
  });

  test('a new record, and one that comes back, take the value of one that is deleted or changed', async () => {
    expect(await apply(deletedVersion('Contact', A, 2), contact(id(4), 2, 'a'))).toMatchObject({
      ...NONE,
      inserted: 1,
    });
    expect(await apply(contact(B, 3, 'x'), contact(id(5), 3, 'b'))).toMatchObject({ ...NONE, inserted: 1 });
    expect(await apply(contact(id(4), 4, 'y'), contact(A, 4, 'a'))).toMatchObject({ ...NONE, inserted: 1 });
    expect(await emails()).toEqual({ [A]: 'a', [B]: 'x', [C]: 'c', [id(4)]: 'y', [id(5)]: 'b' });
  });

  test('a record whose value another row keeps is listed, tried again, and lands once that has moved', async () => {
    const blocked = await apply(contact(A, 2, 'b'), contact(C, 2, 'd'));
    expect(blocked).toMatchObject({ rejected: 1, updated: 1 });
    expect(await emails()).toMatchObject({ [A]: 'a', [B]: 'b', [C]: 'd' });
    const link = `select reread_due, due_after > now() as later, retries from sfsync.link where salesforce_id = $1`;
    expect(await rows(link, [A])).toEqual([{ reread_due: true, later: true, retries: 1 }]);
    await takeLease(session, 'Contact', EXECUTION, async () => true);
    const context = contextOf(session, configuration, 'Contact', EXECUTION);
    const attempt = async () => {
      await rows('update sfsync.link set due_after = null');
      const looks = (await chosenRecords(context)).map((each) => ({ ...each, version: contact(A, 2, 'b') }));
      expect(looks).toHaveLength(1);
      return decideBatch(context, 'one', looks, { readAt: Date.now(), now: Date.now() });
    };
    // Reported once.
    expect(await attempt()).toMatchObject({ rejected: 0 });
    expect(await rows(link, [A])).toEqual([{ reread_due: true, later: true, retries: 2 }]);
    await rows(`update borrowers set email = 'z' where salesforce_id = $1`, [B]);
    await attempt();
    expect(await emails()).toMatchObject({ [A]: 'b' });
    expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
  });
});

test('by a deferrable constraint two exchange their values also where they are written by several statements', async () => {
  await apply(contact(A, 1, 'a'), contact(B, 1, 'b'));
  await rows('alter table borrowers add constraint one_email unique (email) deferrable, alter email set not null');
  // Rows of which other columns change are written by themselves.
  expect(await apply(contact(A, 2, 'b', { Phone: '2' }), contact(B, 2, 'a'))).toMatchObject({ ...NONE, updated: 2 });
  expect(await emails()).toEqual({ [A]: 'b', [B]: 'a' });
});

describe('by a constraint that is checked at once, of a column that allows no null', () => {
  beforeEach(async () => {
    await apply(contact(A, 1, 'a'), contact(B, 1, 'b'), contact(C, 1, 'c'));
    await rows('alter table borrowers add constraint one_email unique (email), alter email set not null');
  });

  test('one takes what another gives up, whichever comes first', async () => {
    expect(await apply(contact(A, 2, 'b'), contact(B, 2, 'c'), contact(C, 2, 'd'))).toMatchObject(NONE);
    expect(await apply(contact(C, 3, 'c'), contact(B, 3, 'b'), contact(A, 3, 'a'))).toMatchObject(NONE);
    expect(await emails()).toEqual({ [A]: 'a', [B]: 'b', [C]: 'c' });
  });

  test('two that exchange their values are listed, and tried again; the others go', async () => {
    const applied = await apply(contact(A, 2, 'b'), contact(B, 2, 'a'), contact(C, 2, 'd'));
    expect(applied).toMatchObject({ rejected: 2, updated: 1 });
    expect(await emails()).toEqual({ [A]: 'a', [B]: 'b', [C]: 'd' });
    expect(await rows('select reread_due from sfsync.link order by salesforce_id')).toMatchObject([
      { reread_due: true },
      { reread_due: true },
      { reread_due: false },
    ]);
  });
});

test('records of one file that are written in different sets exchange their values, and what is bad among them is left alone', async () => {
  const ids = Array.from({ length: 600 }, (_, i) => id(i));
  await apply(...ids.map((of, i) => contact(of, 1, `mail ${i}`)));
  await rows('create unique index one_email on borrowers (email)');
  // The first with the last, the second with the one before, and so on.
  const exchanged = ids.map((of, i) => contact(of, 2, `mail ${ids.length - 1 - i}`));
  exchanged[350] = contact(ids[350] ?? '', 2, 'mail 249', { Phone: 'x'.repeat(10) });
  expect(await apply(...exchanged)).toMatchObject({ ...NONE, updated: 600 });
  const [{ count }] = await rows(
    `select count(*)::int from borrowers where email = 'mail ' || (599 - substr(salesforce_id, 4, 12)::int)`,
  );
  expect(count).toBe(600);
}, 60_000);

test('a record that comes twice in a file: its last version counts', async () => {
  await apply(contact(A, 1, 'a'), contact(B, 1, 'b'));
  await rows('create unique index one_email on borrowers (email)');
  expect(await apply(contact(A, 2, 'b'), contact(A, 3, 'c'))).toMatchObject(NONE);
  expect(await emails()).toEqual({ [A]: 'c', [B]: 'b' });
});
