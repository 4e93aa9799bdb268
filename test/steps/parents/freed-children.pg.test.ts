/** Deletes of parents towards Salesforce, whose children the application has freed or deleted in the same transaction. */
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { settleBatch } from '../../../steps/settle.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILD = '003000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const NOW = Date.UTC(2026, 0, 2);

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let parentKey = '';

beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await rows(`truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.lease, sfsync.conflict,
              sfsync.rejected_record, sfsync.tombstone`);
  for (const object of ['Account', 'Contact']) await takeLease(session, object, EXECUTION, async () => true);
  await apply('Account', version('Account', PARENT, 1));
  await apply('Contact', child(1, PARENT));
  parentKey = (await rows('select id from lenders'))[0].id;
});

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}

const child = (second: number, of: string | null) => version('Contact', CHILD, second, { AccountId: of });

function receive(object: string, keys: readonly string[]) {
  const mapping = mappingOf(configuration, object);
  return inTransaction(session, () => receiveKeys({ session, configuration, mapping }, keys));
}

const contextFor = (object: string) => contextOf(session, configuration, object, EXECUTION);

async function chosen(object: string): Promise<string[]> {
  return (await chosenRecords(contextFor(object))).map(({ id }) => id);
}

/** What is decided of records that are as they were first seen. */
async function decided(object: string, look: SalesforceVersion) {
  const batch = await chosenRecords(contextFor(object));
  return decide(object, batch, look);
}

async function decide(object: string, batch: Awaited<ReturnType<typeof chosenRecords>>, look: SalesforceVersion) {
  const looks = batch.map((each) => ({ ...each, version: look }));
  return (await decideBatch(contextFor(object), 'one', looks, { readAt: NOW, now: NOW })).pushes;
}

async function settled(object: string, pushes: Awaited<ReturnType<typeof decide>>, readBack: SalesforceVersion) {
  const readBacks = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  const outcomes = new Map(pushes.map(({ id }) => [id, { id, outcome: 'accepted' as const }]));
  const at = NOW + 1000;
  await settleBatch(contextFor(object), 'one', readBacks, { outcomes, flowFailures: undefined, readAt: at, now: at });
}

const isOver = () => rows('update sfsync.link set due_after = null');

test('a parent whose child was freed with it waits, also while the child has not been received, and then goes', async () => {
  await rows('begin; update borrowers set lender_id = null; delete from lenders; commit');
  await receive('Account', [parentKey]);
  expect(await chosen('Account')).toEqual([]);
  expect(await rows(`select dirty, due_after > now() as later from sfsync.link where object = 'Account'`)).toEqual([
    { dirty: true, later: true },
  ]);
  const [{ id: childKey }] = await rows('select id from borrowers');
  await receive('Contact', [childKey]);
  const pushes = await decided('Contact', child(1, PARENT));
  expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { AccountId: null } } } }]);
  await isOver();
  // The push of the child is open.
  expect(await chosen('Account')).toEqual([]);
  await settled('Contact', pushes, child(2, null));
  await isOver();
  expect(await decided('Account', version('Account', PARENT, 1))).toMatchObject([
    { push: { outgoing: { kind: 'delete' } } },
  ]);
});

test('so does one whose child was deleted with it', async () => {
  const [{ id: childKey }] = await rows('select id from borrowers');
  await rows('begin; delete from borrowers; delete from lenders; commit');
  await receive('Account', [parentKey]);
  expect(await chosen('Account')).toEqual([]);
  await receive('Contact', [childKey]);
  const pushes = await decided('Contact', child(1, PARENT));
  await settled('Contact', pushes, deletedVersion('Contact', CHILD, 2, { AccountId: PARENT }));
  await isOver();
  expect(await chosen('Account')).toEqual([PARENT]);
});

test('a child that is freed between the choice and the decision holds the delete back', async () => {
  await rows(`update lenders set name = 'Edited'`);
  await receive('Account', [parentKey]);
  const batch = await chosenRecords(contextFor('Account'));
  expect(batch).toHaveLength(1);
  await rows('begin; update borrowers set lender_id = null; delete from lenders; commit');
  expect(await decide('Account', batch, version('Account', PARENT, 1))).toEqual([]);
  expect(await chosen('Account')).toEqual([]);
});

test('a child that still belongs to it in both is not waited for: the application deletes it along', async () => {
  await rows('alter table borrowers drop constraint borrowers_lender_id_fkey');
  await rows('delete from lenders');
  await receive('Account', [parentKey]);
  expect(await chosen('Account')).toEqual([PARENT]);
});

test.for([
  [
    'whose lookup waits for it',
    `update sfsync.link set waiting = '{"AccountId": "${PARENT}"}' where object = 'Contact'`,
  ],
  [
    'whose edit Salesforce has refused',
    `update sfsync.link set refused = '{"AccountId": null}' where object = 'Contact'`,
  ],
  ['that is deleted in Salesforce', `update sfsync.link set base_deleted = true where object = 'Contact'`],
] as const)('a child %s is not waited for', async ([, sql]) => {
  await rows('begin; update borrowers set lender_id = null; delete from lenders; commit');
  await rows(sql);
  await receive('Account', [parentKey]);
  expect(await chosen('Account')).toEqual([PARENT]);
});

test('after some minutes the delete goes all the same, and says so', async () => {
  await rows('begin; update borrowers set lender_id = null; delete from lenders; commit');
  await receive('Account', [parentKey]);
  let waits = 0;
  while ((await chosen('Account')).length === 0) {
    waits++;
    await isOver();
  }
  expect(waits).toBe(40);
  expect(await rows('select salesforce_id, code from sfsync.rejected_record where resolved_at is null')).toEqual([
    { salesforce_id: PARENT, code: 'CHILDREN_LEFT_BEHIND' },
  ]);
  await rows('update sfsync.link set dirty = true');
  const pushes = await decided('Account', version('Account', PARENT, 1));
  expect(pushes).toHaveLength(1);
  await settled('Account', pushes, deletedVersion('Account', PARENT, 2));
  expect(await rows('select from sfsync.rejected_record where resolved_at is null')).toEqual([]);
});
