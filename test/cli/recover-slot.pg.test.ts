import { beforeEach, expect, test } from 'vitest';
import { announceDue, describeRecovery, dueObjects } from '../../cli/recover-slot.ts';
import { RetryableError } from '../../core/errors.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { prepareDatabase } from '../../postgres/prepare/prepare.ts';
import { readDatabaseStatus } from '../../postgres/prepare/status.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { recoverSlot } from '../../steps/slot-recovery/slot-recovery.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { startQueueService } from '../support/system/queue-service.ts';
import { contextOf } from '../support/system/steps.ts';
import { startStreamer } from '../support/system/streamer.ts';
import { startDeployedStack } from './deployed-stack.ts';

const ACCOUNTS = [1, 2, 3, 4, 5].map((n) => `00100000000000${n}AAA`);

const NEW_KEY = '6f0c1f7e-56a1-4a6c-8a31-0d3f8f2f3a10';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
  await applyVersions(
    contextOf(session, configuration, 'Account'),
    'f',
    ACCOUNTS.map((id, i) => ({ line: i + 1, version: version('Account', id, 1, { Phone: 'base' }) })),
    Date.UTC(2030, 0, 1),
  );
});

const slot = () => lender.database.name;
const dropSlot = () => rows('select pg_drop_replication_slot($1)', [slot()]);
const dueRecords = async () =>
  (await rows('select salesforce_id as id from sfsync.link where dirty or reread_due order by 1')).map(({ id }) => id);
const recover = async (options: Partial<Parameters<typeof recoverSlot>[2]> = {}) =>
  recoverSlot(await lender.database.client(), configuration, { slot: slot(), ...options });

/** Objects of which a comparison is due, as `check` lists them. */
const compared = async () =>
  (await readDatabaseStatus(lender.application, configuration, slot())).comparisons.map(({ object }) => object);

/** What the application does while no streamer reads. */
async function editWithoutReader(): Promise<void> {
  const [one, two, three, four] = ACCOUNTS;
  await rows("update lenders set phone = 'edited' where salesforce_id = $1", [one]);
  await rows('delete from lenders where salesforce_id = $1', [two]);
  await rows('update lenders set id = $2 where salesforce_id = $1', [three, NEW_KEY]);
  await rows('update lenders set updated_at = now() where salesforce_id = $1', [four]);
  await rows("insert into lenders (name, salesforce_id) values ('moved here', '00100000000009QAAQ')");
}

test('a slot that was lost is made anew; edits made without it are due, and later ones arrive through it', async () => {
  await dropSlot();
  await editWithoutReader();
  await using queues = await startQueueService();
  await using stopped = startStreamer(lender.database, queues);
  expect(await stopped.exit()).toBe(2);
  expect(stopped.lines.at(-1)?.message).toMatch(/does not exist.*`sfsync recover-slot`/);

  const recovery = await recover();
  expect(recovery).toMatchObject({ slotMade: true, resumed: false, compared: 10 });
  // Edited, deleted, and a row whose record has no link; a changed key is only relinked, and an unmapped column is nothing.
  const [one, two, three] = ACCOUNTS;
  expect(await dueRecords()).toEqual(expect.arrayContaining([one, two, '00100000000009QAAQ']));
  expect(await dueRecords()).not.toContain(ACCOUNTS[3]);
  expect(await rows('select row_key from sfsync.link where salesforce_id = $1', [three])).toEqual([
    { row_key: NEW_KEY },
  ]);
  expect(describeRecovery(recovery, 'sfsync', false).join('\n')).toContain('made anew\nAccount:');

  await using streamer = startStreamer(lender.database, queues);
  await streamer.streaming();
  await rows("update lenders set phone = 'later' where salesforce_id = $1", [ACCOUNTS[4]]);
  await queues.until(() => queues.messages.length > 0);
  expect(queues.messages[0]?.keys).toHaveLength(1);
});

test('nothing is due when nothing was changed, in any setting of the role that runs it', async () => {
  await applyVersions(
    contextOf(session, configuration, 'Opportunity'),
    'f',
    [{ line: 1, version: version('Opportunity', '006000000000001AAA', 1, { Amount: '10.5' }) }],
    Date.UTC(2030, 0, 1),
  );
  await dropSlot();
  await rows(`alter database ${lender.database.name} set datestyle to 'German'`);
  const recovery = await recover();
  expect(await dueRecords()).toEqual([]);
  expect(describeRecovery(recovery, 'sfsync', false)).toContain('nothing was changed in that time');
});

test('a healthy slot is left alone, unless only the comparison or a new one is asked for', async () => {
  await editWithoutReader();
  await expect(recover()).rejects.toMatchObject({ name: 'ConfigurationError', code: 'HEALTHY_SLOT' });
  expect(await dueRecords()).toEqual([]);
  const [before] = await rows(
    'select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1',
    [slot()],
  );
  expect(await recover({ slotIs: 'left alone' })).toMatchObject({ slotMade: false });
  expect(await dueRecords()).toContain(ACCOUNTS[0]);
  const [after] = await rows('select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = $1', [
    slot(),
  ]);
  expect(after).toEqual(before);
  expect(await recover({ slotIs: 'anew' })).toMatchObject({ slotMade: true });
});

test('a dry run prints the SQL and changes nothing', async () => {
  await dropSlot();
  await editWithoutReader();
  const lines: string[] = [];
  expect(await recover({ dryRun: true, log: (line) => lines.push(line) })).toMatchObject({
    slotMade: true,
    compared: 10,
  });
  expect(lines.join('\n')).toContain(`pg_create_logical_replication_slot('${slot()}', 'pgoutput')`);
  expect(await rows('select from pg_replication_slots where slot_name = $1', [slot()])).toEqual([]);
  expect(await dueRecords()).toEqual([]);
});

test('a recovery that was interrupted is listed by check, and the next run goes on with it', async () => {
  await dropSlot();
  await editWithoutReader();
  const killed = recover({
    progress: ({ object }) => {
      if (object === 'Account') throw new Error('killed in the middle');
    },
  });
  await expect(killed).rejects.toThrow('killed in the middle');
  expect(await compared()).toEqual(['Account', 'Contact', 'Opportunity']);
  expect(await recover()).toMatchObject({ slotMade: false, resumed: true });
  expect(await dueRecords()).toEqual(expect.arrayContaining([ACCOUNTS[0], ACCOUNTS[1], '00100000000009QAAQ']));
  expect(await compared()).toEqual([]);
});

test('prepare does not make a missing slot without a word where records are linked', async () => {
  await dropSlot();
  await editWithoutReader();
  const { warnings } = await prepareDatabase(lender.application, configuration, { slot: slot() });
  expect(warnings.join()).toMatch(/was missing although records are linked.*`sfsync recover-slot`/);
  expect(await compared()).toEqual(['Account', 'Contact', 'Opportunity']);
  expect(await recover()).toMatchObject({ slotMade: false, resumed: true });
  expect(await dueRecords()).toContain(ACCOUNTS[0]);
});

test('a slot that is still read is not taken away', async () => {
  await using queues = await startQueueService();
  await using streamer = startStreamer(lender.database, queues);
  await streamer.streaming();
  await expect(recover({ slotIs: 'anew' })).rejects.toMatchObject({ code: 'ACTIVE_SLOT' });
});

test('objects of which something is due are announced; after an interruption all of them', async () => {
  await using stack = await startDeployedStack();
  const { aws } = stack.operator();
  await dropSlot();
  await editWithoutReader();
  const recovery = await recover();
  const objects = configuration.objects.map(({ object }) => object);
  expect(dueObjects(recovery, objects)).toEqual(['Account']);
  expect(dueObjects({ ...recovery, resumed: true }, objects)).toEqual(objects);
  expect(await announceDue(aws, ['Account'])).toMatch(/^announced: Account;/);
  expect(await stack.announced(1)).toEqual(['Account']);

  const away = { announce: () => Promise.reject(new RetryableError('ThrottlingException', 'slow down')) };
  expect(await announceDue(away, ['Account'])).toBe(
    'could not be announced (RetryableError: slow down); what is due goes to Salesforce by the schedule, within five minutes',
  );
});
