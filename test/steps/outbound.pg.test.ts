import { beforeEach, describe, expect, test } from 'vitest';
import type { ChangeMessage } from '../../core/contracts/change-message.ts';
import type { OutcomeLine } from '../../core/contracts/outbound-tasks.ts';
import { mappingOf } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receive, receiveKeys } from '../../steps/receive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf, SILENT } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const mapping = mappingOf(configuration, 'Account');

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  await file(version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
});

function file(each: SalesforceVersion) {
  return applyVersions(contextOf(session, configuration, 'Account'), 'f', [{ line: 1, version: each }], LONG_AFTER);
}

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const AT_ONCE = { waitSeconds: 0, lease: true };

/** A change queue of one test, which keeps what is sent again. */
function queueOf(...messages: ChangeMessage[]) {
  const waiting = messages.map((message, i) => ({ receiptHandle: String(i), message }));
  const again: ChangeMessage[] = [];
  const queue = {
    receive: async () => waiting.splice(0, 10),
    delete: async () => undefined,
    sendAgain: async (message: ChangeMessage) => {
      again.push(message);
    },
  };
  return { queue: queue as never, again };
}

function message(keys: string[], transactions: string[] = []): ChangeMessage {
  return {
    object: 'Account',
    keys: keys.map((key) => [key, 'update']),
    position: '0/1',
    committedAt: '2026-01-01T00:00:00Z',
    transactions,
  };
}

async function collect() {
  const keys = await rows('select row_key from sfsync.link');
  const { queue } = queueOf(message(keys.map(({ row_key }) => row_key)));
  await receive(outbound(), { queue, log: SILENT }, AT_ONCE);
  return chosenRecords(outbound());
}

async function decide(
  batch: readonly { id: string; revision: number }[],
  look: SalesforceVersion | undefined,
  batchId = 'one-0',
) {
  const looks = batch.map((record) => ({ ...record, version: look }));
  const context = outbound();
  return decideBatch(context, batchId, looks, { readAt: Date.UTC(2026, 0, 2), now: Date.UTC(2026, 0, 2) });
}

async function settle(
  decided: { id: string; revision: number }[],
  readBack: SalesforceVersion,
  answers: { outcomes?: OutcomeLine[]; flowFailures?: number },
  batchId = 'one-0',
) {
  const context = outbound();
  return settleBatch(
    context,
    batchId,
    decided.map(({ id, revision }) => ({ id, revision, version: readBack })),
    {
      outcomes: new Map((answers.outcomes ?? []).map((line) => [line.id, line])),
      flowFailures: answers.flowFailures,
      readAt: Date.UTC(2026, 0, 3),
      now: Date.UTC(2026, 0, 3),
    },
  );
}

async function state() {
  return (await rows('select base, dirty, push_id, refused from sfsync.link'))[0];
}

describe('an edited row', () => {
  test('goes out as a whole row through AppFlow, and is settled by what Salesforce holds then', async () => {
    await rows(`update lenders set phone = 'row'`);
    const batch = await collect();
    const decided = await decide(batch, version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
    expect(decided.pushes).toMatchObject([
      {
        id: ACCOUNT,
        push: {
          delivery: 'appflow',
          outgoing: { kind: 'update', fields: { Phone: 'row' } },
          fillers: { Website: 'base' },
        },
      },
    ]);
    const settled = await settle(decided.pushes, version('Account', ACCOUNT, 9, { Phone: 'row', Website: 'base' }), {
      flowFailures: 0,
    });
    expect(settled).toMatchObject({ settled: 1, rejected: 0, conflicts: 0 });
    expect(await state()).toMatchObject({ base: { Phone: 'row' }, dirty: false, push_id: null });
  });

  test('that is set to null goes through the API, changed fields only', async () => {
    await rows('update lenders set phone = null');
    const decided = await decide(await collect(), version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
    expect(decided.pushes).toMatchObject([
      { push: { delivery: 'api', outgoing: { fields: { Phone: null } }, fillers: {} } },
    ]);
  });

  test('that is back at the base is done before anything is read', async () => {
    await rows('update lenders set internal_notes = internal_notes');
    expect(await collect()).toEqual([]);
    expect(await state()).toMatchObject({ dirty: false });
  });

  test('meets an edit of another field that a person made a moment ago: both survive', async () => {
    await rows(`update lenders set phone = 'row'`);
    const decided = await decide(await collect(), version('Account', ACCOUNT, 2, { Phone: 'base', Website: 'org' }));
    expect(decided.pushes[0]?.push.outgoing).toEqual({ kind: 'update', fields: { Phone: 'row' } });
    expect(await rows('select phone, website from lenders')).toEqual([{ phone: 'row', website: 'org' }]);
  });

  test('that Salesforce refuses is listed, and not sent again until it changes', async () => {
    await rows('update lenders set phone = null');
    const look = version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' });
    const decided = await decide(await collect(), look);
    const refusal: OutcomeLine = {
      id: ACCOUNT,
      outcome: 'refused',
      code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      reason: 'no',
      field: 'Phone',
    };
    expect(await settle(decided.pushes, look, { outcomes: [refusal] })).toMatchObject({ rejected: 1 });
    expect(await rows('select code, field, direction from sfsync.rejected_record where resolved_at is null')).toEqual([
      { code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', field: 'Phone', direction: 'to-salesforce' },
    ]);
    expect(await collect()).toEqual([]);
    await rows(`update lenders set phone = 'other'`);
    expect(await collect()).toHaveLength(1);
  });

  test('of which Salesforce refuses one value goes without it: that one is listed', async () => {
    await rows(`update lenders set phone = 'too long', website = 'row'`);
    const look = version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' });
    const decided = await decide(await collect(), look);
    const refusal: OutcomeLine = {
      id: ACCOUNT,
      outcome: 'refused',
      code: 'STRING_TOO_LONG',
      reason: 'no',
      field: 'Phone',
    };
    const first = await settle(decided.pushes, look, { outcomes: [refusal] });
    expect(first).toMatchObject({ rejected: 1, pushAgain: [{ line: { kind: 'update', fields: { Website: 'row' } } }] });
    const again = first.pushAgain.map(({ line, revision }) => ({ id: line.id, revision }));
    const put = version('Account', ACCOUNT, 9, { Phone: 'base', Website: 'row' });
    const taken = { outcomes: [{ id: ACCOUNT, outcome: 'accepted' } as const] };
    expect(await settle(again, put, taken)).toMatchObject({ settled: 1, rejected: 0 });
    expect(await state()).toMatchObject({ base: { Phone: 'base', Website: 'row' }, push_id: null, dirty: false });
    const listed = () => rows('select code, field from sfsync.rejected_record where resolved_at is null');
    expect(await listed()).toEqual([{ code: 'STRING_TOO_LONG', field: 'Phone' }]);
    expect(await collect()).toEqual([]);

    await rows(`update lenders set phone = 'base'`);
    expect(await collect()).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  test('of a run that failed to put rows is accepted when Salesforce holds it, and otherwise pushed once more', async () => {
    await rows(`update lenders set phone = 'row'`);
    const look = version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' });
    const decided = await decide(await collect(), look);
    const first = await settle(decided.pushes, look, { flowFailures: 1 });
    expect(first).toMatchObject({
      settled: 0,
      pushAgain: [{ line: { id: ACCOUNT, kind: 'update', fields: { Phone: 'row' } } }],
    });
    const again = first.pushAgain.map(({ line, revision }) => ({ id: line.id, revision }));
    const put = version('Account', ACCOUNT, 9, { Phone: 'row', Website: 'base' });
    expect(
      await settle(again, put, { outcomes: [{ id: ACCOUNT, outcome: 'accepted' }], flowFailures: 1 }),
    ).toMatchObject({ settled: 1 });
    expect(await state()).toMatchObject({ base: { Phone: 'row' }, push_id: null, dirty: false });
  });

  test('whose push has no known outcome keeps its push open, and is not chosen before it is fenced', async () => {
    await rows(`update lenders set phone = 'row'`);
    const look = version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' });
    const decided = await decide(await collect(), look);
    expect(await settle(decided.pushes, look, {})).toMatchObject({ settled: 0 });
    expect(await state()).toMatchObject({ push_id: 'one-0' });
    expect(await collect()).toEqual([]);
    const fenced = await chosenRecords(outbound(), { flowFenced: true });
    expect(fenced).toHaveLength(1);
  });
});

describe('a deleted row', () => {
  test('deletes the record, and is settled by its place in the recycle bin', async () => {
    await rows('delete from lenders');
    const look = version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' });
    const decided = await decide(await collect(), look);
    expect(decided.pushes).toMatchObject([{ push: { delivery: 'api', outgoing: { kind: 'delete' } } }]);
    const gone = deletedVersion('Account', ACCOUNT, 3, { Phone: 'base', Website: 'base' });
    await settle(decided.pushes, gone, { outcomes: [{ id: ACCOUNT, outcome: 'accepted' }] });
    expect(await rows('select base_deleted, dirty, push_id from sfsync.link')).toEqual([
      { base_deleted: true, dirty: false, push_id: null },
    ]);
  });

  test('comes back when a person edited the record just before the delete', async () => {
    await rows('delete from lenders');
    const decided = await decide(await collect(), version('Account', ACCOUNT, 2, { Phone: 'org', Website: 'base' }));
    expect(decided).toMatchObject({ pushes: [], conflicts: 1 });
    expect(await rows('select salesforce_id, phone from lenders')).toEqual([{ salesforce_id: ACCOUNT, phone: 'org' }]);
  });
});

test('a changed primary key relinks the row: neither delete nor create', async () => {
  await rows('update lenders set id = gen_random_uuid()');
  const [{ id }] = await rows('select id from lenders');
  await inTransaction(session, () => receiveKeys({ session, configuration, mapping }, [id]));
  expect(await chosenRecords(outbound())).toEqual([]);
  expect(await rows('select row_key, dirty from sfsync.link')).toEqual([{ row_key: id, dirty: false }]);
});

test('a value that Salesforce cannot store is listed, and the other fields go out', async () => {
  await rows(`update lenders set annual_revenue = 'NaN', phone = 'row'`);
  const decided = await decide(await collect(), version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
  expect(decided.pushes).toMatchObject([{ push: { outgoing: { fields: { Phone: 'row' } } } }]);
  expect(await rows('select field, code from sfsync.rejected_record')).toEqual([
    { field: 'AnnualRevenue', code: 'UNREADABLE_VALUE' },
  ]);
  expect(await rows('select annual_revenue from lenders')).toEqual([{ annual_revenue: 'NaN' }]);
});

test.for(['unlinked:1', 'unreadable:Website', 'unlinked:', 'null', '?', '{"unlinked": "1"}', '{"unreadable": true}'])(
  'the text %j is a value like any other',
  async (website) => {
    await rows('update lenders set website = $1', [website]);
    const decided = await decide(await collect(), version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
    expect(decided.pushes).toMatchObject([{ push: { outgoing: { fields: { Website: website } } } }]);
    expect(await rows('select from sfsync.rejected_record')).toEqual([]);
  },
);

test('a run that counts no failure has still not put a row whose record was deleted at that moment: the row survives', async () => {
  await rows(`update lenders set phone = 'row'`);
  const decided = await decide(await collect(), version('Account', ACCOUNT, 1, { Phone: 'base', Website: 'base' }));
  const gone = deletedVersion('Account', ACCOUNT, 3, { Phone: 'base', Website: 'base' });
  expect(await settle(decided.pushes, gone, { flowFailures: 0 })).toMatchObject({ settled: 1, conflicts: 1 });
  expect(await rows('select phone from lenders')).toEqual([{ phone: 'row' }]);
  expect(await state()).toMatchObject({ dirty: true, push_id: null });
});

test('keys of a transaction that is not visible yet are sent again', async () => {
  const writer = await lender.database.client();
  await writer.query(`begin; update lenders set phone = 'soon'`);
  const { rows: found } = await writer.query('select id, pg_current_xact_id()::text as xid from lenders');
  const { queue, again } = queueOf(message([found[0].id], [found[0].xid]));
  await receive(outbound(), { queue, log: SILENT }, AT_ONCE);
  expect(again).toHaveLength(1);
  expect(await state()).toMatchObject({ dirty: false });
  await writer.query('commit');
  await receive(outbound(), { queue: queueOf(...again).queue, log: SILENT }, AT_ONCE);
  expect(await state()).toMatchObject({ dirty: true });
});

test('the lease of an execution that still runs is refused, that of a dead one taken over', async () => {
  const other = EXECUTION.replace(/one$/, 'two');
  expect(await takeLease(session, 'Account', other, async () => true)).toBeUndefined();
  expect(await takeLease(session, 'Account', other, async () => false)).toEqual({ circuit: 'closed' });
  await expect(decide([], undefined)).rejects.toMatchObject({ name: 'LeaseLostError', code: 'LEASE_LOST' });
});
