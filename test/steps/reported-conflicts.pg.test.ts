/** Each conflict is reported by one call: also that of a call which died after its commit, or whose answer was lost. */
import { beforeEach, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const ACCOUNT = '001000000000001AAA';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await file('first', 1, 'base');
  await rows(`update lenders set phone = 'row'`);
});

function file(input: string, second: number, phone: string, execution = 'one') {
  const context = { ...contextOf(session, configuration, 'Account', execution), input };
  const line = { line: 1, version: version('Account', ACCOUNT, second, { Phone: phone }) };
  return applyVersions(context, 'file', [line], Date.UTC(2030, 0, 1));
}

const REASONS = [{ code: 'CONFLICT_SALESFORCE_STANDS', field: 'Phone', count: 1, ids: [ACCOUNT] }];

test('is answered once more to a call that is tried again, and to no other', async () => {
  expect(await file('second', 2, 'org')).toMatchObject({ conflicts: 1, reasons: REASONS });
  expect(await file('second', 2, 'org')).toMatchObject({ unchanged: 1, conflicts: 1, reasons: REASONS });
  expect(await file('third', 2, 'org')).toMatchObject({ unchanged: 1, conflicts: 0, reasons: [] });
});

test('that a call has listed and never reported is reported by the next of its execution', async () => {
  await file('second', 2, 'org');
  await rows('update sfsync.conflict set reported_by = null');
  expect(await file('another part', 2, 'org')).toMatchObject({ conflicts: 1, reasons: REASONS });
});

test('that an execution has left is reported by another one, once no call can be at work on it', async () => {
  await file('second', 2, 'org');
  await rows('update sfsync.conflict set reported_by = null');
  expect(await file('later', 2, 'org', 'two')).toMatchObject({ conflicts: 0 });
  await rows(`update sfsync.conflict set created_at = now() - interval '16 minutes'`);
  expect(await file('later still', 2, 'org', 'two')).toMatchObject({ conflicts: 1, reasons: REASONS });
});
