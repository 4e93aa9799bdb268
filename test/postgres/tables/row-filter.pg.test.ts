import { beforeEach, describe, expect, test } from 'vitest';
import {
  defineSync,
  type RowFilter,
  type SyncConfiguration,
  type SyncDefinition,
  text,
} from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import { prepareDatabase } from '../../../postgres/prepare/prepare.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';
import { OutboundRounds } from '../../support/system/outbound-rounds.ts';
import { contextOf } from '../../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let rounds: OutboundRounds;
let configuration: SyncConfiguration;

beforeEach(async () => {
  session = await lender.session();
  await rows('alter table lenders add column shared boolean not null default true');
});

type Options = Partial<SyncDefinition['objects'][string]>;

function configured(filter: Partial<RowFilter> = {}, options: Options = {}) {
  const fields = { Name: text('name'), Phone: text('phone') };
  const delivery = 'api' as const;
  const account = { table: 'lenders', delivery, filter: { where: 'shared', ...filter }, ...options, fields };
  return defineSync({ objects: { Account: account } });
}

/** The account is on both sides, and agrees. */
async function linked(filter: Partial<RowFilter>, options: Options = {}) {
  configuration = configured(filter, options);
  rounds = await OutboundRounds.begin(session, configuration, 'Account');
  await arrives(account(1));
}

function arrives(version: SalesforceVersion) {
  const context = contextOf(session, configuration, 'Account');
  const lines = [{ line: 1, version }];
  return applyVersions(context, 'f', lines, Date.UTC(2030, 0, 1));
}

function account(second: number, fields: { Name?: string; Phone?: string } = {}, deleted = false): SalesforceVersion {
  const stamp = Date.UTC(2026, 0, 1, 12, 0, second);
  return { id: ACCOUNT, deleted, mergedInto: undefined, stamp, fields: { Name: 'Acme', Phone: '1', ...fields } };
}

/** The application changes the row, and its key is collected. */
async function changed(assignment: string) {
  const [row] = await rows(`update lenders set ${assignment} returning id`);
  return rounds.collectKeys(row.id);
}

async function link() {
  return (await rows('select base_deleted as deleted, dirty, was_inside as inside from sfsync.link'))[0];
}

/** The row leaves the filter, and its record goes to the recycle bin. */
async function leaves() {
  const { pushes } = await rounds.decide(await changed('shared = false'), () => account(1));
  expect(pushes).toMatchObject([{ push: { delivery: 'api', outgoing: { kind: 'delete' } } }]);
  await rounds.settle(pushes, () => account(2, {}, true));
}

describe("leaving: 'ignore'", () => {
  test('a row outside sends nothing, and what Salesforce says is applied to it', async () => {
    await linked({ leaving: 'ignore' });
    expect(await changed(`shared = false, phone = '2'`)).toEqual([]);
    expect(await link()).toMatchObject({ dirty: false, deleted: false });
    await arrives(account(3, { Name: 'Acme Ltd' }));
    expect(await rows('select name, phone from lenders')).toEqual([{ name: 'Acme Ltd', phone: '2' }]);
    expect(await link()).toMatchObject({ dirty: false });
  });

  test('what has changed outside is sent when the row comes back', async () => {
    await linked({ leaving: 'ignore' });
    await changed(`shared = false, phone = '2'`);
    const { pushes } = await rounds.decide(await changed('shared = true'), () => account(1));
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { Phone: '2' } } } }]);
  });

  test('what has changed outside is sent when an edit in Salesforce brings the row back', async () => {
    await linked({ where: `name <> 'Draft'`, leaving: 'ignore' });
    await arrives(account(2, { Name: 'Draft' }));
    expect(await changed(`phone = '2'`)).toEqual([]);
    expect(await arrives(account(3, { Name: 'Acme' }))).toMatchObject({ due: true });
    const { pushes } = await rounds.decide(await rounds.collect(), () => account(3));
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { Phone: '2' } } } }]);
  });
});

describe("leaving: 'delete'", () => {
  test('a row that leaves takes its record along, stays itself, and brings it back with what it has become', async () => {
    await linked({ leaving: 'delete' });
    await leaves();
    expect(await link()).toMatchObject({ deleted: true, dirty: false });
    expect(await rows('select name from lenders')).toEqual([{ name: 'Acme' }]);
    expect(await changed(`phone = '2'`)).toEqual([]);

    const back = await rounds.decide(await changed('shared = true'), () => account(2, {}, true), 'one-1');
    expect(back.pushes).toMatchObject([{ push: { outgoing: { kind: 'revive', fields: { Phone: '2' } } } }]);
    await rounds.settle(back.pushes, () => account(4, { Phone: '2' }), [], 'one-1');
    expect(await link()).toMatchObject({ deleted: false, dirty: false, inside: true });
  });

  test('the edit that the delete has buried is in the row', async () => {
    await linked({ leaving: 'delete' });
    const { pushes } = await rounds.decide(await changed('shared = false'), () => account(1));
    await rounds.settle(pushes, () => account(3, { Phone: 'org' }, true));
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'org' }]);
    expect(await link()).toMatchObject({ deleted: true, dirty: false });
  });

  test('a record that was made in Salesforce and whose row was never inside is left alone', async () => {
    await rows('alter table lenders alter shared set default false');
    await linked({ leaving: 'delete' });
    expect(await changed(`phone = '2'`)).toEqual([]);
    expect(await link()).toMatchObject({ deleted: false, inside: false });
  });

  test('a record that a person brings back stays until its row has come back and left again', async () => {
    await linked({ leaving: 'delete' });
    await leaves();
    await arrives(account(5));
    expect(await changed(`phone = '2'`)).toEqual([]);
    expect(await link()).toMatchObject({ deleted: false });
    const batch = await changed('shared = true');
    await rounds.settle(
      (await rounds.decide(batch, () => account(5), 'b')).pushes,
      () => account(6, { Phone: '2' }),
      [],
      'b',
    );
    const again = await rounds.decide(await changed('shared = false'), () => account(6, { Phone: '2' }), 'c');
    expect(again.pushes).toMatchObject([{ push: { outgoing: { kind: 'delete' } } }]);
  });

  describe('an undelete stands, although the row is outside by then:', () => {
    const stands = async (name: string) => {
      expect(await rows('select name from lenders')).toEqual([{ name }]);
      expect(await link()).toMatchObject({ deleted: false, dirty: false, inside: false });
      expect(await changed(`phone = '2'`)).toEqual([]);
    };

    test('it is what the undeleted record says that lets the row stay outside', async () => {
      await linked({ where: `name <> 'Draft'`, leaving: 'delete' });
      expect(await link()).toMatchObject({ inside: true });
      await arrives(account(2, {}, true));
      expect(await rows('select from lenders')).toEqual([]);
      await arrives(account(3, { Name: 'Draft' }));
      await stands('Draft');
    });

    test('the row was marked as deleted, and has left the filter since', async () => {
      await rows('alter table lenders add column deleted_at timestamptz');
      await linked({ leaving: 'delete' }, { deleteRow: 'soft', deletedAt: 'deleted_at' });
      await arrives(account(2, {}, true));
      expect(await changed('shared = false')).toEqual([]);
      await arrives(account(3));
      await stands('Acme');
    });
  });

  describe('what a user deletes or brings back while its row is outside stands, also', () => {
    test('where the row had outlived the delete because it was edited, and left the filter then', async () => {
      await linked({ leaving: 'delete' });
      await rows(`update lenders set phone = '2'`);
      expect(await arrives(account(2, {}, true))).toMatchObject({ conflicts: 1, deleted: 0 });
      expect(await changed('shared = false')).toEqual([]);
      await arrives(account(3));
      expect(await link()).toMatchObject({ deleted: false, dirty: false, inside: false });
      expect(await changed(`phone = '3'`)).toEqual([]);
    });

    test('where it is not known whether our own delete has landed, and it had', async () => {
      await linked({ leaving: 'delete' });
      const { pushes } = await rounds.decide(await changed('shared = false'), () => account(1));
      await rounds.settle(pushes, () => account(2, {}, true), [{ id: ACCOUNT, outcome: 'unknown' }]);
      // It is looked at again when nothing of the push can land any more.
      const again = await rounds.decide(await rounds.collect(), () => account(2, {}, true), 'one-1');
      expect([again.pushes, await link()]).toMatchObject([[], { deleted: true, inside: false }]);
      await arrives(account(3));
      expect(await link()).toMatchObject({ deleted: false, dirty: false });
      expect(await changed(`phone = '3'`)).toEqual([]);
    });
  });

  test('a delete that Salesforce refuses is listed once', async () => {
    await linked({ leaving: 'delete' });
    const { pushes } = await rounds.decide(await changed('shared = false'), () => account(1));
    const refused = { id: ACCOUNT, outcome: 'refused', code: 'DELETE_FAILED', reason: 'it has children' } as const;
    expect(await rounds.settle(pushes, () => account(1), [refused])).toMatchObject({ rejected: 1 });
    expect(await rounds.collect()).toEqual([]);
    expect(await rows('select code from sfsync.rejected_record where resolved_at is null')).toEqual([
      { code: 'DELETE_FAILED' },
    ]);
  });
});

describe('sfsync prepare', () => {
  const prepare = (filter: Partial<RowFilter>) =>
    prepareDatabase(lender.application, configured(filter), { slot: lender.database.name });

  test.each([
    ['shred', 'column "shred" does not exist'],
    ['name', 'must be type boolean'],
    [`exists (select from borrowers)`, 'subquery'],
    ['updated_at > now()', 'must be marked IMMUTABLE'],
    ['shared or', 'syntax error'],
  ])('refuses the filter %s', async (where, reason) => {
    await expect(prepare({ where })).rejects.toThrow(reason);
    await expect(prepare({ where })).rejects.toThrow('public.lenders: the row filter of Account cannot be used');
  });

  test('notes which rows of existing links are inside, so that they can leave', async () => {
    await linked({ leaving: 'ignore' });
    expect(await link()).toMatchObject({ inside: false });
    await prepare({ leaving: 'delete' });
    expect(await link()).toMatchObject({ inside: true });
  });
});
