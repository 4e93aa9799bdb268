/** Children whose row filter looks at the lookup to a parent that goes, or that are outside of it. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  defineSync,
  type RowFilter,
  reference,
  type SyncConfiguration,
  text,
} from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { OutboundRounds } from '../../support/system/outbound-rounds.ts';
import { contextOf } from '../../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILD = '003000000000001AAA';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let configuration: SyncConfiguration;
beforeAll(async () => {
  session = await lender.session();
  await rows('alter table lenders add parent_id uuid references lenders deferrable');
});
beforeEach(() =>
  rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
        sfsync.rejected_record, sfsync.tombstone`),
);

/** Contacts of accounts; only contacts for which the filter is true go to Salesforce. */
function withFilter(filter: RowFilter): void {
  configuration = defineSync({
    objects: {
      Account: { table: 'lenders', delivery: 'api', fields: { Name: text('name') } },
      Contact: {
        table: 'borrowers',
        delivery: 'api',
        filter,
        fields: { LastName: text('last_name'), AccountId: reference('lender_id', 'Account') },
      },
    },
  });
}

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}
const child = (second = 1) => version('Contact', CHILD, second, { AccountId: PARENT });
const rounds = (object: string) => OutboundRounds.begin(session, configuration, object);

describe('a child that leaves its row filter because the row of its parent goes', () => {
  beforeEach(async () => {
    withFilter({ where: 'lender_id is not null', leaving: 'delete' });
    await apply('Account', version('Account', PARENT, 1));
    await apply('Contact', child());
  });

  test('is due: its record is deleted, and comes back with the parent', async () => {
    expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ alsoDue: ['Contact'] });
    const contacts = await rounds('Contact');
    const gone = await contacts.decide(await contacts.collect(), () => child());
    expect(gone.pushes).toMatchObject([{ id: CHILD, push: { outgoing: { kind: 'delete' } } }]);
    await contacts.settle(gone.pushes, () => ({ ...child(3), deleted: true }));

    expect(await apply('Account', version('Account', PARENT, 4))).toMatchObject({ alsoDue: ['Contact'] });
    const back = await contacts.decide(await contacts.collect(), () => ({ ...child(3), deleted: true }), 'one-1');
    expect(back.pushes).toMatchObject([{ id: CHILD, push: { outgoing: { kind: 'revive' } } }]);
  });
});

test('so is one of its own object, which is merged in the transaction in which its parent goes', async () => {
  const [account, below] = [PARENT, '001000000000002AAA'];
  configuration = defineSync({
    objects: {
      Account: {
        table: 'lenders',
        delivery: 'api',
        filter: { where: `parent_id is not null or name = 'Top'`, leaving: 'delete' },
        fields: { Name: text('name'), Phone: text('phone'), ParentId: reference('parent_id', 'Account') },
      },
    },
  });
  const top = { Name: 'Top', ParentId: null };
  const under = (second: number) => version('Account', below, second, { ParentId: account, Phone: `${second}` });
  await apply('Account', version('Account', account, 1, top), under(1));
  await apply('Account', deletedVersion('Account', account, 2, top), under(2));
  const accounts = await rounds('Account');
  const { pushes } = await accounts.decide(await accounts.collect(), () => under(2));
  expect(pushes).toMatchObject([{ id: below, push: { outgoing: { kind: 'delete' } } }]);
});

describe('a parent whose child was freed with it', () => {
  /** The application frees the child and deletes the parent. Answers which records of parents are chosen to go. */
  async function chosen(filter: RowFilter) {
    withFilter(filter);
    await apply('Account', version('Account', PARENT, 1));
    await apply('Contact', child());
    const [{ id }] = await rows('select id from lenders');
    await rows(`begin; update borrowers set lender_id = null, last_name = 'Hidden'; delete from lenders; commit`);
    return (await (await rounds('Account')).collectKeys(id)).map((record) => record.id);
  }

  test('is not kept by one that its row filter does not let out: nothing will come of it', async () => {
    expect(await chosen({ where: `last_name <> 'Hidden'`, leaving: 'ignore' })).toEqual([PARENT]);
  });

  test.for([
    ['that its row filter lets out', `last_name = 'Hidden'`, 'ignore'],
    ['whose record is deleted because it is outside', `last_name <> 'Hidden'`, 'delete'],
    ['for which the row filter fails', `1 / (length(last_name) - 6) >= 0`, 'ignore'],
  ] as const)('waits for one %s', async ([, where, leaving]) => {
    expect(await chosen({ where, leaving })).toEqual([]);
  });
});
