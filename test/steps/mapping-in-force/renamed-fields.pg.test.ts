/** A field that has another API name than before (`formerly`): what both sides agreed on is known under the new name. */
import { beforeEach, expect, test } from 'vitest';
import type { FieldMapping, SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { chooseRecords } from '../../../steps/choose.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { joinedFields, joinNext } from '../../../steps/mapping-in-force/joins.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { inLedger } from '../../../steps/step.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const [FIRST, SECOND, THIRD] = ['001000000000001AAA', '001000000000002AAA', '001000000000003AAA'];

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
/** What Salesforce holds: values by the names of now, and which of the two names it has. */
let org: Map<string, { readonly second: number; readonly fields: Record<string, string | null> }>;
let names: ReadonlySet<string>;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  org = new Map();
  names = new Set(['Website']);
});

function mapped(change: (website: FieldMapping) => FieldMapping): SyncConfiguration {
  const objects = configuration.objects.map((each) =>
    each.object === 'Account'
      ? {
          ...each,
          delivery: 'api' as const,
          fields: each.fields.map((field) => (field.field === 'Website' ? change(field) : field)),
        }
      : each,
  );
  return { ...configuration, objects };
}

const FORMER = mapped((website) => website);
const RENAMED = mapped((website) => ({ ...website, field: 'Site__c', formerly: 'Website' }));
const UNTOLD = mapped((website) => ({ ...website, field: 'Site__c' }));

const context = (sync: SyncConfiguration) => contextOf(session, sync, 'Account', EXECUTION);

function hold(id: string, second: number, value: string | null): void {
  org.set(id, { second, fields: { Website: value } });
}

/** The record as a read sees it that asks for the fields of the mapping: of both names, Salesforce has one value. */
function seen(id: string): SalesforceVersion {
  const { second, fields } = org.get(id) ?? expect.unreachable('Salesforce has no such record');
  const found = version('Account', id, second, {});
  const { Website: _, ...others } = found.fields;
  return {
    ...found,
    fields: { ...others, ...Object.fromEntries([...names].map((name) => [name, fields.Website ?? null])) },
  };
}

async function pair(id: string, value: string): Promise<void> {
  hold(id, 1, value);
  await applyVersions(contextOf(session, FORMER, 'Account'), 'f', [{ line: 1, version: seen(id) }], LONG_AFTER);
}

function renameInOrg(): void {
  names = new Set(['Site__c']);
}

async function edited(sync: SyncConfiguration): Promise<void> {
  const keys = (await rows('select id::text from lenders')).map(({ id }) => id);
  await inLedger(context(sync), { lease: true }, (inForce) => receiveKeys(inForce, keys));
}

/** Salesforce is to be read, as after a sweep that has found an edit, or when a field was left out for some minutes. */
const readDue = () => rows('update sfsync.link set reread_due = true, dirty_since = clock_timestamp()');

let batches = 0;
/** Rounds of the outbound pipeline until nothing is due and no field is joining. Answers what was sent, and what was reported. */
async function rest(sync: SyncConfiguration) {
  const sent: unknown[] = [];
  const reported: unknown[] = [];
  const ofMapping = (sync.objects.find(({ object }) => object === 'Account')?.fields ?? []).map(({ field }) => field);
  const asked: readonly string[] = ofMapping.filter((field) => field === 'Website' || field === 'Site__c');
  for (let round = 0; round < 20; round++) {
    const { due } = await chooseRecords(context(sync), { limit: 100, flowFenced: false });
    if (due.length === 0) {
      reported.push(...(await joinedFields(context(sync))));
      if ((await joinNext(context(sync))).isDone) return { sent, reported };
      continue;
    }
    const doubted = due.flatMap(({ doubted: names }) => names ?? []);
    const types = Object.fromEntries(
      doubted.flatMap((name): [string, string | null][] => {
        if (names.has(name)) return [[name, null]];
        return asked.includes(name) ? [] : [[name, 'is gone']];
      }),
    );
    const gone = asked.filter((field) => !names.has(field));
    const looks = due.map(({ id, revision }) => ({
      ...{ id, revision, version: seen(id) },
      ...(gone.length > 0 && { without: gone }),
      ...(doubted.length > 0 && { types }),
    }));
    const at = Date.UTC(2026, 0, 2) + batches * 1000;
    const { pushes, reasons } = await decideBatch(context(sync), `one-${batches++}`, looks, { readAt: at, now: at });
    sent.push(...pushes.map(({ id, push }) => [id, push.outgoing]));
    reported.push(...(reasons ?? []));
    await rows(`update sfsync.link set push_id = null, sent = null, sent_at = null, dirty = false`);
  }
  return expect.unreachable('never at rest');
}

const websites = () => rows('select website from lenders order by salesforce_id');
const conflicts = () => rows('select salesforce_id as id, field, reason from sfsync.conflict order by id');
const bases = () =>
  rows(
    `select base ->> 'Website' as "Website", base ->> 'Site__c' as "Site__c" from sfsync.link order by salesforce_id`,
  );

test('what one side alone has edited in the gap goes across, and is no conflict', async () => {
  for (const id of [FIRST, SECOND, THIRD]) await pair(id, 'agreed');
  renameInOrg();
  await rows(`update lenders set website = 'ours' where salesforce_id = $1`, [FIRST]);
  await edited(FORMER);
  expect((await rest(FORMER)).sent).toEqual([]);
  hold(SECOND, 5, 'theirs');
  await edited(RENAMED);
  const { sent, reported } = await rest(RENAMED);
  expect(sent).toEqual([[FIRST, { kind: 'update', fields: { Site__c: 'ours' } }]]);
  expect(reported).toContainEqual({ code: 'FIELD_JOINED', field: 'Site__c', count: expect.any(Number) });
  expect(await websites()).toEqual([{ website: 'ours' }, { website: 'theirs' }, { website: 'agreed' }]);
  expect(await conflicts()).toEqual([]);
  expect(await rows('select field from sfsync.drift where closed_at is null')).toEqual([]);
  expect((await bases()).map(({ Website }) => Website)).toEqual([null, null, null]);
});

test('without `formerly` the same edits are conflicts', async () => {
  await pair(FIRST, 'agreed');
  renameInOrg();
  await rows(`update lenders set website = 'ours'`);
  await edited(UNTOLD);
  await rest(UNTOLD);
  expect(await conflicts()).toEqual([{ id: FIRST, field: 'Site__c', reason: 'new in the mapping' }]);
});

test('the former name is still there, with the new one or without it: it is told once, nothing is touched, and then it goes on', async () => {
  await pair(FIRST, 'agreed');
  await rows(`update lenders set website = 'ours'`);
  await edited(RENAMED);
  const first = await rest(RENAMED);
  const notRenamed = (change: RegExp) => ({
    code: 'FIELD_NOT_RENAMED',
    ...{ field: 'Site__c', count: 1, change: expect.stringMatching(change) },
  });
  expect(first.sent).toEqual([]);
  expect(first.reported).toEqual([notRenamed(/still calls it Website/)]);
  names = new Set(['Website', 'Site__c']);
  await readDue();
  const second = await rest(RENAMED);
  expect(second).toEqual({ sent: [], reported: [notRenamed(/Salesforce has Website, too/)] });
  await readDue();
  expect(await rest(RENAMED)).toEqual({ sent: [], reported: [] });
  expect(await bases()).toEqual([{ Website: 'agreed', Site__c: null }]);
  renameInOrg();
  await readDue();
  expect((await rest(RENAMED)).sent).toEqual([[FIRST, { kind: 'update', fields: { Site__c: 'ours' } }]]);
  expect(await conflicts()).toEqual([]);
});

test('a deployment that is taken back has it under the former name again, and the next one under the new one', async () => {
  await pair(FIRST, 'agreed');
  renameInOrg();
  await edited(RENAMED);
  await rest(RENAMED);
  hold(FIRST, 5, 'since');
  await readDue();
  await rest(RENAMED);
  expect(await bases()).toEqual([{ Website: null, Site__c: 'since' }]);
  names = new Set(['Website']);
  await edited(FORMER);
  await rows(`update lenders set website = 'ours'`);
  await edited(FORMER);
  expect((await rest(FORMER)).sent).toEqual([[FIRST, { kind: 'update', fields: { Website: 'ours' } }]]);
  hold(FIRST, 6, 'ours');
  await readDue();
  await rest(FORMER);
  expect(await bases()).toEqual([{ Website: 'ours', Site__c: null }]);
  renameInOrg();
  hold(FIRST, 7, 'theirs');
  await edited(RENAMED);
  expect((await rest(RENAMED)).sent).toEqual([]);
  expect(await websites()).toEqual([{ website: 'theirs' }]);
  expect(await conflicts()).toEqual([]);
});

test('functions of both deployments, in turn, lose nothing', async () => {
  await pair(FIRST, 'agreed');
  renameInOrg();
  await rows(`update lenders set website = 'ours'`);
  for (const sync of [RENAMED, FORMER, RENAMED, FORMER]) await edited(sync);
  await edited(RENAMED);
  expect((await rest(RENAMED)).sent).toEqual([[FIRST, { kind: 'update', fields: { Site__c: 'ours' } }]]);
  expect(await conflicts()).toEqual([]);
});

test('takes along what is on its way, what was refused, and what people have to look at', async () => {
  await pair(FIRST, 'agreed');
  await rows(
    `update sfsync.link set push_id = 'p', sent_at = now(), push_delivery = 'api', sent = '{"Website": {"value": "ours", "filler": false}}',
            refused = '{"Website": "bad", "Phone": "1"}', inexact = '{"Website": "agree"}',
            written = '{"replaced": {"Website": {"value": "a", "by": "b", "lockVersion": 1}}}'`,
  );
  await rows(
    `insert into sfsync.conflict (object, salesforce_id, field, reason, winner) values ('Account', $1, 'Website', 'both', 'salesforce')`,
    [FIRST],
  );
  await rows(
    `insert into sfsync.rejected_record (object, salesforce_id, field, direction, code, reason)
     values ('Account', $1, 'Website', 'to-salesforce', 'X', 'x')`,
    [FIRST],
  );
  await edited(RENAMED);
  await rows('update sfsync.drift set closed_at = now()');
  for (let part = 0; part < 2; part++) await joinNext(context(RENAMED));
  expect(await rows('select base, sent, refused, inexact, written from sfsync.link')).toEqual([
    {
      base: expect.objectContaining({ Site__c: 'agreed' }),
      sent: { Site__c: { value: 'ours', filler: false } },
      refused: { Site__c: 'bad', Phone: '1' },
      inexact: { Site__c: 'agree' },
      written: { replaced: { Site__c: { value: 'a', by: 'b', lockVersion: 1 } } },
    },
  ]);
  expect(await rows('select field from sfsync.conflict union all select field from sfsync.rejected_record')).toEqual([
    { field: 'Site__c' },
    { field: 'Site__c' },
  ]);
});
