/** Salesforce keeps whole seconds of a datetime, and milliseconds of a time; the parts that it does not keep are the row's. */
import { beforeEach, expect, test } from 'vitest';
import type { OutcomeLine } from '../../core/contracts/outbound-tasks.ts';
import { date, datetime, defineSync, text } from '../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../support/system/steps.ts';

const ID = '006000000000001AAA';
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const configuration = defineSync({
  objects: {
    Opportunity: {
      table: 'public.loan_applications',
      delivery: 'api',
      fields: {
        Name: text('title'),
        StageName: text('stage'),
        CloseDate: date('closes_on'),
        Approved_At__c: datetime('approved_at'),
      },
    },
  },
});

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Opportunity', EXECUTION, async () => true);
});

const context = () => contextOf(session, configuration, 'Opportunity', EXECUTION);
const record = (second: number, at: string): SalesforceVersion =>
  version('Opportunity', ID, second, { Approved_At__c: at });

function file(each: SalesforceVersion) {
  const inbound = contextOf(session, configuration, 'Opportunity', 'a file');
  return applyVersions(inbound, 'f', [{ line: 1, version: each }], Date.UTC(2030, 0, 1));
}

/** What goes to Salesforce, which then holds whole seconds of it. */
async function edit(at: string, look: SalesforceVersion, readBack: SalesforceVersion) {
  await rows(`update loan_applications set approved_at = '${at}'`);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(context(), keys));
  const looks = (await chosenRecords(context())).map((due) => ({ ...due, version: look }));
  const now = Date.UTC(2026, 0, 2);
  const { pushes } = await decideBatch(context(), 'one-0', looks, { readAt: now, now });
  const outcomes = pushes.map(({ id }): [string, OutcomeLine] => [id, { id, outcome: 'accepted' }]);
  const answers = { outcomes: new Map(outcomes), flowFailures: undefined, readAt: now + 1, now: now + 1 };
  const lines = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  await settleBatch(context(), 'one-0', lines, answers);
  return pushes.map(({ push }) => push.outgoing);
}

test.for(['timestamptz', 'timestamp(3)', 'timestamp'])('in a column of type %s', async (type) => {
  await rows(`alter table loan_applications alter approved_at type ${type}`);
  const shown = async () =>
    (await rows(`select extract(second from approved_at)::float8 as s from loan_applications`))[0]?.s;
  await file(record(1, '2026-01-01T10:00:07Z'));
  expect(await shown()).toBe(7);

  // Cut and not rounded, and the row keeps what it has.
  const sent = await edit(
    '2026-01-01 10:00:08.999Z',
    record(1, '2026-01-01T10:00:07Z'),
    record(2, '2026-01-01T10:00:08Z'),
  );
  expect(sent).toEqual([{ kind: 'update', fields: { Approved_At__c: '2026-01-01T10:00:08Z' } }]);
  await file(record(3, '2026-01-01T10:00:08Z'));
  expect(await shown()).toBe(8.999);

  // Another part of the same second is no edit.
  expect(
    await edit('2026-01-01 10:00:08.001Z', record(3, '2026-01-01T10:00:08Z'), record(3, '2026-01-01T10:00:08Z')),
  ).toEqual([]);
  expect(await shown()).toBe(8.001);

  // An edit in Salesforce brings a whole second.
  await file(record(4, '2026-01-01T10:00:09Z'));
  expect(await shown()).toBe(9);
  expect(await rows('select dirty from sfsync.link')).toEqual([{ dirty: false }]);
  expect(await rows('select from sfsync.conflict')).toEqual([]);
});
