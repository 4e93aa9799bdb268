/** New rows that Salesforce is too busy for: where a batch brings nothing through, its object waits. */
import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import type { InsertOutcome } from '../../core/contracts/insertion-tasks.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { isPutOff } from '../../postgres/ledger/due.ts';
import { takeLease } from '../../postgres/ledger/lease.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { decideBatch } from '../../steps/decide.ts';
import { chooseNewRows } from '../../steps/new-rows/choose-new-rows.ts';
import { receiveKeys } from '../../steps/receive.ts';
import { settleBatch } from '../../steps/settle.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LOAN = '006000000000001AAA';
const BATCH = 'one-0';
/** What Salesforce answers to a row; id: it has made the record. */
type Answer = { readonly code: string } | { readonly id: string };

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Opportunity', EXECUTION, async () => true);
});

const outbound = () => contextOf(session, configuration, 'Opportunity', EXECUTION);

async function insert(): Promise<string> {
  const key = randomUUID();
  await rows(
    `insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', 'Prospecting', '2026-12-31')`,
    [key],
  );
  await receiveKeys(outbound(), [key]);
  return key;
}

/** Sends the rows in one batch, which Salesforce answers so. */
async function attempt(answers: ReadonlyMap<string, Answer>) {
  const now = Date.now();
  const looks = (await chooseNewRows(outbound(), 10)).due;
  const { inserts } = await decideBatch(outbound(), BATCH, [], { readAt: now, now, newRows: looks });
  expect(inserts).toHaveLength(answers.size);
  const sent = await rows('select row_key, id::text as insertion, revision::int from sfsync.insertion');
  const newRows = sent.map(({ row_key: externalId, insertion, revision }) => {
    const answer = answers.get(externalId);
    const found = answer !== undefined && 'id' in answer ? answer.id : undefined;
    const made =
      found === undefined ? {} : { version: { ...version('Opportunity', found, 1, { Name: 'Mine' }), externalId } };
    return { externalId, insertion, revision, ...made };
  });
  const insertOutcomes = new Map(
    [...answers].map(([externalId, answer]): [string, InsertOutcome] => [
      externalId,
      'id' in answer
        ? { externalId, outcome: 'accepted', id: answer.id }
        : { externalId, outcome: answer.code === 'UNABLE_TO_LOCK_ROW' ? 'not applied' : 'refused', code: answer.code },
    ]),
  );
  const round = { outcomes: new Map(), flowFailures: undefined, readAt: now, now };
  return settleBatch(outbound(), BATCH, [], { ...round, newRows, insertOutcomes });
}

const BUSY: Answer = { code: 'UNABLE_TO_LOCK_ROW' };
const open = () => rows('select retries from sfsync.insertion order by retries');

test('where none gets through, the object waits', async () => {
  await attempt(new Map([[await insert(), BUSY]]));
  expect([await open(), await isPutOff(session, 'Opportunity')]).toEqual([[{ retries: 1 }], true]);
});

test.for<[string, Answer]>([
  ['becomes a record', { id: LOAN }],
  ['is refused', { code: 'REQUIRED_FIELD_MISSING' }],
])('where another one %s, only the row waits', async ([, answer]) => {
  await attempt(
    new Map([
      [await insert(), BUSY],
      [await insert(), answer],
    ]),
  );
  expect(await open()).toContainEqual({ retries: 1 });
  expect(await isPutOff(session, 'Opportunity')).toBe(false);
});
