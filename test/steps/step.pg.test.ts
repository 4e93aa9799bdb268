/** The frame of the steps: what it does around their work, in which order, and again when columns move under it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { rejectOf } from '../../core/contracts/rejects.ts';
import { RetryableError } from '../../core/errors.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { query, type Session } from '../../postgres/session/connection.ts';
import { COLUMNS_MOVED } from '../../postgres/tables/column-numbers.ts';
import { applyVersions } from '../../steps/apply.ts';
import { settleBatch } from '../../steps/settle.ts';
import { inLedger, type RunningStep, runStep } from '../../steps/step.ts';
import { deletedVersion, useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILD = '003000000000001AAA';
const ALONE = { reporter: undefined, fields: 'columns only', lease: false, source: 'test', joins: false } as const;

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

const contacts = () => contextOf(session, configuration, 'Contact');
const run = <T>(more: { readonly lease?: boolean }, work: (step: RunningStep) => Promise<T>) =>
  runStep(contacts(), { ...ALONE, ...more }, work);
const openRejects = () => rows('select direction, code, source from sfsync.rejected_record order by id');
const moved = () => new RetryableError(COLUMNS_MOVED, 'A column moved.');
const reject = (code: string, id = CHILD) => [rejectOf({ id, code, reason: 'test' })];

describe('work that meets a column which moves', () => {
  test('is done again, and what it rejected before is not listed', async () => {
    let attempts = 0;
    const { done, rejected, reasons } = await run({}, async (step) => {
      attempts += 1;
      step.reject('to-postgres', reject(`ATTEMPT_${attempts}`));
      if (attempts === 1) throw moved();
      return attempts;
    });
    expect({ done, rejected, reasons }).toEqual({
      done: 2,
      rejected: 1,
      reasons: [{ code: 'ATTEMPT_2', count: 1, ids: [CHILD] }],
    });
    expect(await openRejects()).toEqual([{ direction: 'to-postgres', code: 'ATTEMPT_2', source: 'test' }]);
  });

  test('fails when it meets one each time, and leaves nothing', async () => {
    let attempts = 0;
    const failing = run({}, async (step) => {
      attempts += 1;
      step.reject('to-postgres', reject('LOST'));
      throw moved();
    });
    await expect(failing).rejects.toMatchObject({ code: COLUMNS_MOVED });
    expect([attempts, await openRejects()]).toEqual([3, []]);
  });
});

test('rejects towards PostgreSQL are listed before those towards Salesforce, all of them when the work is done', async () => {
  await run({}, async (step) => {
    step.reject('to-salesforce', reject('OUT'));
    step.reject('to-postgres', reject('IN'));
    expect(await openRejects()).toEqual([]);
  });
  expect((await openRejects()).map(({ code }) => code)).toEqual(['IN', 'OUT']);
});

test('of parts that the database refuses the bad record is rejected, and the others go through', async () => {
  const items = ['1', 'x', '3'].map((value, i) => ({ id: `00300000000000${i}AAA`, value }));
  const { done } = await run({}, (step) =>
    step.inParts(items, async (part) => {
      const values = part.map(({ value }) => value);
      await query(session, 'select unnest($1::text[])::int', [values]);
      return values;
    }),
  );
  expect([done.parts.flat(), done.refused.map(({ salesforceId }) => salesforceId)]).toEqual([
    ['1', '3'],
    ['003000000000001AAA'],
  ]);
  expect(await openRejects()).toEqual([{ direction: 'to-postgres', code: '22P02', source: 'test' }]);
});

test('the lease is held before anything else, by steps that write rows and by those that do not', async () => {
  await takeLease(session, 'Contact', 'another', async () => true);
  const work = () => expect.unreachable('the lease belongs to another execution');
  await expect(run({ lease: true }, work)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  await expect(inLedger(contacts(), { lease: true }, work)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  expect(await inLedger(contacts(), { lease: false }, async ({ mapping }) => mapping.object)).toBe('Contact');
});

test('a settled batch answers that a parent is due whose delete had waited for a child that is gone', async () => {
  await rows('alter table borrowers alter column lender_id set not null');
  const apply = (object: string, each: ReturnType<typeof version>) =>
    applyVersions(
      contextOf(session, configuration, object),
      'file',
      [{ line: 1, version: each }],
      Date.UTC(2030, 0, 1),
    );
  await apply('Account', version('Account', PARENT, 1));
  await apply('Contact', version('Contact', CHILD, 1, { AccountId: PARENT }));
  expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({
    rejected: 1,
    reasons: [{ code: 'CHILDREN_EXIST', count: 1 }],
  });
  await rows('delete from borrowers');
  await takeLease(session, 'Contact', 'test', async () => true);
  const at = Date.UTC(2030, 0, 1);
  const answers = { outcomes: new Map(), flowFailures: undefined, readAt: at, now: at };
  expect(await settleBatch(contacts(), 'one', [], answers)).toMatchObject({ settled: 0, alsoDue: ['Account'] });
});
