/** Rejected records that are redriven late: what both sides hold by then is newer than what was rejected. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { readOpenConflicts, resolveConflicts } from '../../postgres/ledger/conflicts.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { readOpenRejects } from '../../postgres/ledger/open-rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receive } from '../../steps/receive.ts';
import { takeUpAgain } from '../../steps/redrive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf, SILENT } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
/** The connection of the person who redrives. */
let operator: Session;

beforeAll(async () => {
  session = await lender.session();
  operator = await lender.database.client();
});
beforeEach(async () => {
  await rows('truncate sfsync.link, sfsync.rejected_record, sfsync.conflict, sfsync.tombstone, sfsync.lease');
  await rows('truncate lenders cascade');
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

function file(each: SalesforceVersion) {
  return applyVersions(
    contextOf(session, configuration, 'Account'),
    'salesforce/Account/f/r/1',
    [{ line: 1, version: each }],
    Date.UTC(2030, 0, 1),
  );
}

async function changed() {
  const keys = (await rows('select id::text from lenders')).map(({ id }) => [id, 'update']);
  const message = { object: 'Account', keys, position: '0/1', committedAt: '2026-01-01T00:00:00Z', transactions: [] };
  const waiting = [{ receiptHandle: 'r', message }];
  const queue = { receive: async () => waiting.splice(0), delete: async () => undefined };
  const context = contextOf(session, configuration, 'Account', EXECUTION);
  await receive(context, { queue: queue as never, log: SILENT }, { waitSeconds: 0, lease: true });
}

function collect() {
  return chosenRecords(contextOf(session, configuration, 'Account', EXECUTION));
}

/** An execution up to the decision; the look shows `look`. */
async function decided(look: SalesforceVersion | undefined, batchId = 'one-0') {
  const looks = (await collect()).map((record) => ({ ...record, version: look }));
  const at = Date.UTC(2026, 0, 2);
  return decideBatch(contextOf(session, configuration, 'Account', EXECUTION), batchId, looks, {
    readAt: at,
    now: at,
  });
}

async function settled(
  pushes: readonly { id: string; revision: number }[],
  readBack: SalesforceVersion,
  outcome: 'accepted' | 'refused',
  batchId = 'one-0',
) {
  const at = Date.UTC(2026, 0, 3);
  const outcomes = new Map(
    pushes.map(({ id }) => [id, { id, outcome, code: 'FIELD_INTEGRITY_EXCEPTION', reason: 'no' }]),
  );
  const answers = { outcomes, flowFailures: undefined, readAt: at, now: at };
  const readBacks = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  return settleBatch(contextOf(session, configuration, 'Account', EXECUTION), batchId, readBacks, answers);
}

async function openRejects() {
  const found = await readOpenRejects(operator, {});
  return found.map(({ direction, code, salesforceId }) => ({ direction, code, salesforceId }));
}

function redrive() {
  return takeUpAgain(operator, 'Account', { salesforceIds: [ACCOUNT], rowKeys: [] });
}

describe('a record that PostgreSQL refused', () => {
  const refused = { direction: 'to-postgres', code: '23514', salesforceId: ACCOUNT };

  beforeEach(() => rows('alter table lenders add constraint short check (length(phone) < 10)'));
  afterEach(() => rows('alter table lenders drop constraint if exists short'));

  test('and that never had a row gets one, with what Salesforce holds by now', async () => {
    await file(version('Account', ACCOUNT, 1, { Phone: '0123456789', Website: 'old' }));
    expect(await openRejects()).toEqual([refused]);
    expect(await rows('select from sfsync.link')).toEqual([]);
    expect(await redrive()).toBe(1);
    const { pushes } = await decided(version('Account', ACCOUNT, 9, { Phone: '030', Website: 'new' }));
    expect(pushes).toEqual([]);
    expect(await rows('select salesforce_id, phone, website from lenders')).toEqual([
      { salesforce_id: ACCOUNT, phone: '030', website: 'new' },
    ]);
    expect(
      await rows(`select row_key is not null as row, base->>'Phone' as phone, dirty, reread_due from sfsync.link`),
    ).toEqual([{ row: true, phone: '030', dirty: false, reread_due: false }]);
    expect(await openRejects()).toEqual([]);
    expect(await collect()).toEqual([]);
  });

  test('and still refuses is listed once, and not tried again by itself', async () => {
    await file(version('Account', ACCOUNT, 1, { Phone: '0123456789' }));
    await redrive();
    expect(await decided(version('Account', ACCOUNT, 1, { Phone: '0123456789' }))).toMatchObject({ rejected: 1 });
    expect(await openRejects()).toEqual([refused]);
    expect(await rows('select from lenders')).toEqual([]);
    expect(await collect()).toEqual([]);
    await rows('alter table lenders drop constraint short');
    await redrive();
    await decided(version('Account', ACCOUNT, 1, { Phone: '0123456789' }));
    expect(await rows('select phone from lenders')).toEqual([{ phone: '0123456789' }]);
    expect(await openRejects()).toEqual([]);
  });

  test('and that is deleted by now gets no row; an undelete makes one', async () => {
    await file(version('Account', ACCOUNT, 1, { Phone: '0123456789' }));
    await redrive();
    await decided(deletedVersion('Account', ACCOUNT, 9, { Phone: '030' }));
    expect(await rows('select from lenders')).toEqual([]);
    expect(await openRejects()).toEqual([]);
    await file(version('Account', ACCOUNT, 12, { Phone: '030' }));
    expect(await rows('select phone from lenders')).toEqual([{ phone: '030' }]);
  });

  test('and that Salesforce no longer has stays listed, under the new reason', async () => {
    await file(version('Account', ACCOUNT, 1, { Phone: '0123456789' }));
    await redrive();
    await decided(undefined);
    expect(await openRejects()).toEqual([{ direction: 'to-postgres', code: 'NOT_VISIBLE', salesforceId: ACCOUNT }]);
    expect(await collect()).toEqual([]);
  });

  test('loses nothing that either side edited since', async () => {
    await file(version('Account', ACCOUNT, 1, { Phone: '1', Website: 'base', Industry: 'base' }));
    await file(version('Account', ACCOUNT, 2, { Phone: '0123456789', Website: 'base', Industry: 'base' }));
    expect(await openRejects()).toEqual([refused]);
    await rows(`update lenders set website = 'portal'`);
    await redrive();
    const look = version('Account', ACCOUNT, 9, { Phone: '2', Website: 'base', Industry: 'org' });
    const { pushes } = await decided(look);
    expect(await rows('select phone, website, industry from lenders')).toEqual([
      { phone: '2', website: 'portal', industry: 'org' },
    ]);
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { Website: 'portal' } } } }]);
    expect(await openRejects()).toEqual([]);
  });
});

describe('a value that Salesforce refused', () => {
  const refused = { direction: 'to-salesforce', code: 'FIELD_INTEGRITY_EXCEPTION', salesforceId: ACCOUNT };
  const base = { Phone: 'base', Website: 'base', Industry: 'base' };

  beforeEach(async () => {
    await file(version('Account', ACCOUNT, 1, base));
    await rows(`update lenders set phone = 'refused', industry = null`);
    await changed();
    const { pushes } = await decided(version('Account', ACCOUNT, 1, base));
    await settled(pushes, version('Account', ACCOUNT, 1, base), 'refused');
    expect(await openRejects()).toEqual([refused]);
    expect(await collect()).toEqual([]);
  });

  test('is sent once more, and no longer listed when it was accepted', async () => {
    await redrive();
    const { pushes } = await decided(version('Account', ACCOUNT, 1, base), 'two-0');
    expect(pushes).toMatchObject([{ push: { outgoing: { fields: { Phone: 'refused', Industry: null } } } }]);
    expect(await openRejects()).toEqual([refused]);
    await settled(
      pushes,
      version('Account', ACCOUNT, 9, { ...base, Phone: 'refused', Industry: null }),
      'accepted',
      'two-0',
    );
    expect(await openRejects()).toEqual([]);
    expect(await rows('select dirty, refused, push_id from sfsync.link')).toEqual([
      { dirty: false, refused: {}, push_id: null },
    ]);
  });

  test('gives way to what both sides hold by now', async () => {
    await rows(`update lenders set industry = 'portal'`);
    await redrive();
    // Since then a user has set the phone, too, and the website.
    const { pushes } = await decided(
      version('Account', ACCOUNT, 9, { ...base, Phone: 'org', Website: 'org' }),
      'two-0',
    );
    expect(pushes).toMatchObject([{ push: { outgoing: { kind: 'update', fields: { Industry: 'portal' } } } }]);
    expect(await rows('select phone, website, industry from lenders')).toEqual([
      { phone: 'org', website: 'org', industry: 'portal' },
    ]);
    const conflicts = await readOpenConflicts(operator, { object: 'Account' });
    expect(conflicts).toMatchObject([
      { field: 'Phone', winner: 'salesforce', values: { base: 'base', salesforce: 'org', postgres: 'refused' } },
    ]);
    const seen = conflicts.map(({ id }) => id);
    expect(await resolveConflicts(operator, [...seen, '4711'])).toEqual(seen);
    expect(await resolveConflicts(operator, seen)).toEqual([]);
    expect(await readOpenConflicts(operator, {})).toEqual([]);
  });

  test('is no longer listed when the sides agree by now, and nothing is sent', async () => {
    await redrive();
    const look = version('Account', ACCOUNT, 9, { ...base, Phone: 'refused', Industry: null });
    expect(await decided(look, 'two-0')).toMatchObject({ pushes: [], conflicts: 0, rejected: 0 });
    expect(await openRejects()).toEqual([]);
  });

  test('is listed under its new reason when the record is gone', async () => {
    await redrive();
    await decided(undefined, 'two-0');
    expect(await openRejects()).toEqual([{ ...refused, code: 'NOT_VISIBLE' }]);
  });

  test('is found by object, direction and either id', async () => {
    const [reject] = await readOpenRejects(operator, {});
    const found = async (selection: Parameters<typeof readOpenRejects>[1]) =>
      (await readOpenRejects(operator, selection)).length;
    expect(await found({ object: 'Account', direction: 'to-salesforce' })).toBe(1);
    expect(await found({ object: 'Contact' })).toBe(0);
    expect(await found({ direction: 'to-postgres' })).toBe(0);
    expect(await found({ ids: [reject?.id ?? ''] })).toBe(1);
    expect(await found({ ids: ['4711'], salesforceIds: [ACCOUNT] })).toBe(1);
    expect(await found({ ids: [] })).toBe(0);
    expect(await takeUpAgain(operator, 'Account', { salesforceIds: [], rowKeys: [reject?.rowKey ?? ''] })).toBe(1);
  });
});
