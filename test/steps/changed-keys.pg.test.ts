/** The application changes the key of a row: through the WAL, to the record's external id. */
import { beforeEach, expect, test } from 'vitest';
import type { OutcomeLine } from '../../core/contracts/outbound-tasks.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { decideBatch } from '../../steps/decide.ts';
import { chooseNewRows } from '../../steps/new-rows/choose-new-rows.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { EXECUTION, OutboundRounds } from '../support/system/outbound-rounds.ts';
import { contextOf } from '../support/system/steps.ts';
import { type RunningStream, startStream } from '../wal-streamer/running-stream.ts';

const [A, B] = ['006000000000001AAA', '006000000000002AAA'];
const [KEY_A, KEY_B, OTHER_KEY] = ['a', 'b', 'c'].map(
  (letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`,
) as [string, string, string];
const LATER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let rounds: OutboundRounds;
/** The external ids in Salesforce, which are unique there. */
let org: Map<string, string | null>;

const held = (id: string, fields: FieldValues = {}): SalesforceVersion => {
  const externalId = org.get(id);
  return { ...version('Opportunity', id, 1, { Name: id, ...fields }), ...(externalId ? { externalId } : {}) };
};

/** Two pairs whose records have been given the keys of their rows. */
beforeEach(async () => {
  session = await lender.session();
  await rows(
    `insert into loan_applications (id, salesforce_id, title, stage, closes_on)
     select * from (values ($1::uuid, $2, 'x', 'x', date '2031-01-01'), ($3::uuid, $4, 'x', 'x', date '2031-01-01')) as x`,
    [KEY_A, A, KEY_B, B],
  );
  org = new Map([
    [A, KEY_A],
    [B, KEY_B],
  ]);
  const lines = [A, B].map((id, i) => ({ line: i + 1, version: held(id) }));
  await applyVersions(contextOf(session, configuration, 'Opportunity'), 'f', lines, LATER);
  rounds = await OutboundRounds.begin(session, configuration, 'Opportunity');
});

function write(id: string, key: string | null): OutcomeLine {
  if (key !== null && [...org].some(([other, theirs]) => other !== id && theirs === key)) {
    return { id, outcome: 'refused', code: 'DUPLICATE_VALUE', reason: 'duplicate value found' };
  }
  org.set(id, key);
  return { id, outcome: 'accepted' };
}

/** What the batch writes, by record. */
async function batch(keys: readonly string[]): Promise<Record<string, unknown>> {
  const chosen = await rounds.collectKeys(...keys);
  const { pushes } = await rounds.decide(chosen, (id) => held(id));
  const answers = pushes.map(({ id, push }): OutcomeLine => {
    const fields = 'fields' in push.outgoing ? push.outgoing.fields : {};
    return 'External_Id__c' in fields ? write(id, fields.External_Id__c as string | null) : { id, outcome: 'accepted' };
  });
  await rounds.settle(pushes, (id) => held(id), answers);
  return Object.fromEntries(pushes.map(({ id, push }) => [id, push.outgoing]));
}

async function streamed(sql: string, count: number): Promise<string[]> {
  await using stream: RunningStream = startStream({ port: lender.credentials.port, database: lender.database.name });
  await stream.streaming();
  await rows(sql);
  await stream.until(() => stream.queues.keysOf('Opportunity').length >= count);
  return stream.queues.keysOf('Opportunity');
}

const pairs = async () =>
  Object.fromEntries(
    (await rows('select salesforce_id as id, row_key from sfsync.link')).map(({ id, row_key }) => [id, row_key]),
  );
const open = () => rows('select code, row_key from sfsync.rejected_record where resolved_at is null');

test('the record is neither deleted nor doubled, and gets the new key, once', async () => {
  const keys = await streamed(`update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}'`, 2);
  expect(await batch(keys)).toEqual({ [A]: { kind: 'update', fields: { External_Id__c: OTHER_KEY } } });
  expect(await pairs()).toEqual({ [A]: OTHER_KEY, [B]: KEY_B });
  expect(org).toEqual(
    new Map([
      [A, OTHER_KEY],
      [B, KEY_B],
    ]),
  );
  expect(await batch(keys)).toEqual({});
  expect(await rows('select from sfsync.insertion')).toEqual([]);
  expect(await rows('select salesforce_id from loan_applications order by 1')).toEqual([
    { salesforce_id: A },
    { salesforce_id: B },
  ]);
});

test('a record that was never given a key gets none, and one that somebody has renamed keeps its name', async () => {
  org = new Map([
    [A, null],
    [B, 'theirs'],
  ]);
  await rows(`update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}'`);
  await rows(`update loan_applications set id = '${KEY_A}' where id = '${KEY_B}'`);
  expect(await batch([KEY_A, KEY_B, OTHER_KEY])).toEqual({});
  expect(await batch([])).toEqual({});
  expect(await pairs()).toEqual({ [A]: OTHER_KEY, [B]: KEY_A });
});

test('rows that have exchanged their keys give theirs to their records, and nothing stays listed', async () => {
  const keys = await streamed(
    `begin; update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}';
     update loan_applications set id = '${KEY_A}' where id = '${KEY_B}'; update loan_applications set id = '${KEY_B}' where id = '${OTHER_KEY}'; commit`,
    3,
  );
  for (let i = 0; i < 5; i++) await batch(i === 0 ? keys : []);
  expect(org).toEqual(
    new Map([
      [A, KEY_B],
      [B, KEY_A],
    ]),
  );
  expect(await open()).toEqual([]);
});

test('a new row under the key that another row has given up waits until the record has given it up, too', async () => {
  const keys = [KEY_A, OTHER_KEY];
  await rows(`begin; update loan_applications set id = '${OTHER_KEY}' where id = '${KEY_A}';
    insert into loan_applications (id, title, stage, closes_on) values ('${KEY_A}', 'new', 'x', '2031-01-01'); commit`);
  const chosen = await rounds.collectKeys(...keys);
  expect(chosen).toHaveLength(1);
  const context = contextOf(session, configuration, 'Opportunity', EXECUTION);
  const [newRow] = (await chooseNewRows(context, 10)).due;
  const look = { ...(newRow ?? { externalId: '', insertion: '', revision: 0 }), version: held(A) };
  const { inserts, rejected } = await decideBatch(context, 'one-0', [], {
    readAt: LATER,
    now: LATER,
    newRows: [look as never],
  });
  expect([inserts, rejected]).toEqual([[], 0]);
  expect(await rows('select row_key, dirty, due_after is not null as waits from sfsync.insertion')).toEqual([
    { row_key: KEY_A, dirty: true, waits: true },
  ]);
  expect(await batch([])).toEqual({ [A]: { kind: 'update', fields: { External_Id__c: OTHER_KEY } } });
});
