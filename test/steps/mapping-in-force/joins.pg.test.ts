/** A field that is new in the mapping, back in it, or means something else: all records are read for its sake, and merged. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { FieldMapping, ObjectMapping, SyncConfiguration } from '../../../core/mapping/configuration.ts';
import { defineSync, mappingOf, reference, text } from '../../../core/mapping/configuration.ts';
import { FIELD_TYPES, fieldTypeOf } from '../../../core/mapping/field-types/field-types.ts';
import type { ValueMap } from '../../../core/mapping/field-types/value-map.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { joinedFields, joinNext } from '../../../steps/mapping-in-force/joins.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { inLedger } from '../../../steps/step.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);
const [FIRST, SECOND] = ['001000000000001AAA', '001000000000002AAA'];

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
/** What Salesforce holds. */
let org: Map<string, SalesforceVersion>;

beforeEach(async () => {
  session = await lender.session();
  await takeLease(session, 'Account', EXECUTION, async () => true);
  org = new Map();
});

/** The sample, with other fields of the account. */
function mapped(
  change: (fields: readonly FieldMapping[]) => readonly FieldMapping[],
  more: Partial<ObjectMapping> = {},
): SyncConfiguration {
  const objects = configuration.objects.map((each) =>
    each.object === 'Account' ? { ...each, ...more, delivery: 'api' as const, fields: change(each.fields) } : each,
  );
  return { ...configuration, objects };
}

const WITHOUT = mapped((fields) => fields.filter(({ field }) => field !== 'Website'));
const WITH = mapped((fields) => fields);
const OURS = mapped((fields) =>
  fields.map((each) => (each.field === 'Website' ? { ...each, policy: 'postgres' } : each)),
);

function hold(id: string, second: number, fields: Record<string, string | null>): void {
  org.set(id, version('Account', id, second, fields));
}

/** A file with the record as this mapping has it. */
async function file(sync: SyncConfiguration, id: string) {
  const known = new Set(mappingOf(sync, 'Account').fields.map(({ field }) => field));
  const each = org.get(id) ?? expect.unreachable('Salesforce has no such record');
  const fields = Object.fromEntries(Object.entries(each.fields).filter(([field]) => known.has(field)));
  const context = contextOf(session, sync, 'Account');
  return applyVersions(context, 'f', [{ line: 1, version: { ...each, fields } }], LONG_AFTER);
}

const outbound = (sync: SyncConfiguration) => contextOf(session, sync, 'Account', EXECUTION);

async function edited(sync: SyncConfiguration): Promise<void> {
  const keys = (await rows('select id::text from lenders')).map(({ id }) => id);
  await inLedger(outbound(sync), { lease: true }, (inForce) => receiveKeys(inForce, keys));
}

let batches = 0;
/** Rounds of the outbound pipeline until nothing is due and no field is joining. Answers what was sent. */
async function rest(sync: SyncConfiguration) {
  const sent: unknown[] = [];
  const joined: unknown[] = [];
  for (let round = 0; round < 20; round++) {
    const due = await chosenRecords(outbound(sync));
    if (due.length === 0) {
      joined.push(...(await joinedFields(outbound(sync))));
      if ((await joinNext(outbound(sync))).isDone) return { sent, joined };
      continue;
    }
    const looks = due.map(({ id, revision }) => ({ id, revision, version: org.get(id) }));
    const at = Date.UTC(2026, 0, 2) + round * 1000;
    const { pushes } = await decideBatch(outbound(sync), `one-${batches++}`, looks, { readAt: at, now: at });
    sent.push(...pushes.map(({ id, push }) => [id, push.outgoing]));
    await rows(`update sfsync.link set push_id = null, sent = null, sent_at = null, dirty = false`);
  }
  return expect.unreachable('never at rest');
}

async function pair(sync: SyncConfiguration, id: string, fields: Record<string, string | null>): Promise<void> {
  hold(id, 1, fields);
  await file(sync, id);
}

const websites = () => rows('select website from lenders order by salesforce_id');

describe('a field that is new in the mapping', () => {
  test('fills its empty column from all records, and an edit of another field clears nothing', async () => {
    await pair(WITHOUT, FIRST, { Phone: '1', Website: 'one' });
    await pair(WITHOUT, SECOND, { Phone: '2', Website: 'two' });
    hold(FIRST, 5, { Phone: '3', Website: 'one' });
    expect(await file(OURS, FIRST)).toMatchObject({ conflicts: 0, due: true });
    expect(await rest(OURS)).toEqual({ sent: [], joined: [{ code: 'FIELD_JOINED', field: 'Website', count: 2 }] });
    expect(await websites()).toEqual([{ website: 'one' }, { website: 'two' }]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
    expect(await rest(OURS)).toEqual({ sent: [], joined: [] });
  });

  test('goes to Salesforce where only the row has it, and is a conflict where both do', async () => {
    await pair(WITHOUT, FIRST, { Website: null });
    await pair(WITHOUT, SECOND, { Website: 'theirs' });
    await rows(`update lenders set website = 'ours'`);
    await edited(WITH);
    const { sent } = await rest(WITH);
    expect(sent).toEqual([[FIRST, { kind: 'update', fields: { Website: 'ours' } }]]);
    expect(await websites()).toEqual([{ website: 'ours' }, { website: 'theirs' }]);
    expect(await rows('select salesforce_id as id, reason from sfsync.conflict')).toEqual([
      { id: SECOND, reason: 'new in the mapping' },
    ]);
  });

  test('takes the records where the column holds nothing but its default', async () => {
    await rows(`alter table lenders drop column website; alter table lenders add column website text default 'none'`);
    await pair(WITHOUT, FIRST, { Website: 'one' });
    await rows(`update lenders set website = 'none'`);
    await rows(`alter table lenders drop column website; alter table lenders add column website text default 'none'`);
    await edited(OURS);
    expect(await rest(OURS)).toMatchObject({ sent: [] });
    expect(await websites()).toEqual([{ website: 'one' }]);
  });

  test('is read for a row that is edited before its turn comes, and for a record of a function with the former mapping', async () => {
    await pair(WITHOUT, FIRST, { Website: null });
    await edited(WITH);
    await rest(WITH);
    await pair(WITHOUT, SECOND, { Website: null });
    await rows(`update lenders set website = 'ours'`);
    await edited(WITH);
    expect((await rest(WITH)).sent).toHaveLength(2);
  });

  test('is not taken for vanished where a function of the former deployment has read the records', async () => {
    await pair(WITHOUT, FIRST, { Phone: '1', Website: 'one' });
    await rows(`update lenders set phone = '2'`);
    await edited(WITH);
    const due = await chosenRecords(outbound(WITH));
    const asked = mappingOf(WITHOUT, 'Account').fields.map(({ field }) => field);
    const looks = due.map(({ id, revision }, i) => {
      const { fields, ...rest } = org.get(id) ?? expect.unreachable('Salesforce has no such record');
      const { Website: _, ...known } = fields;
      return { id, revision, version: { ...rest, fields: known }, ...(i === 0 && { asked }) };
    });
    const at = Date.UTC(2026, 0, 2);
    const { pushes, reasons } = await decideBatch(outbound(WITH), 'former', looks, { readAt: at, now: at });
    expect(pushes.map(({ push }) => push.outgoing)).toMatchObject([{ fields: { Phone: '2' } }]);
    expect(reasons).toEqual([]);
    expect(await rows('select from sfsync.drift')).toEqual([]);
    await rows(`update sfsync.link set push_id = null, sent = null, sent_at = null, dirty = false`);
    hold(FIRST, 5, { Phone: '2', Website: 'one' });
    expect(await rest(WITH)).toMatchObject({ sent: [], joined: [{ code: 'FIELD_JOINED', field: 'Website' }] });
    expect(await websites()).toEqual([{ website: 'one' }]);
  });

  test('that only PostgreSQL may edit empties nothing, and is sent when something is written', async () => {
    const outward = mapped((fields) =>
      fields.map((each) => (each.field === 'Website' ? { ...each, direction: 'to-salesforce' } : each)),
    );
    await pair(WITHOUT, FIRST, { Website: 'theirs' });
    await edited(outward);
    expect((await rest(outward)).sent).toEqual([]);
    await rows(`update lenders set website = 'ours'`);
    await edited(outward);
    expect((await rest(outward)).sent).toEqual([[FIRST, { kind: 'update', fields: { Website: 'ours' } }]]);
  });

  test('that is a lookup joins children with their parents', async () => {
    const parent = (sync: SyncConfiguration): SyncConfiguration => {
      const children = defineSync({
        objects: {
          Account: { table: 'public.lenders', fields: { Name: text('name') } },
          Contact: {
            table: 'public.borrowers',
            fields: { LastName: text('last_name'), AccountId: reference('lender_id', 'Account') },
          },
        },
      });
      return { ...sync, objects: children.objects };
    };
    const full = parent(configuration);
    const bare = {
      ...full,
      objects: full.objects.map((each) => ({
        ...each,
        fields: each.fields.filter(({ field }) => field !== 'AccountId'),
      })),
    };
    await pair(WITH, FIRST, {});
    const CHILD = '003000000000001AAA';
    const child = { ...version('Contact', CHILD, 1), fields: { LastName: 'Meyer' } };
    await applyVersions(contextOf(session, bare, 'Contact'), 'f', [{ line: 1, version: child }], LONG_AFTER);
    await takeLease(session, 'Contact', EXECUTION, async () => true);
    const context = contextOf(session, full, 'Contact', EXECUTION);
    await joinNext(context);
    const due = await chosenRecords(context);
    const looks = due.map(({ id, revision }) => {
      return { id, revision, version: { ...child, fields: { LastName: 'Meyer', AccountId: FIRST } } };
    });
    const at = Date.UTC(2026, 0, 2);
    await decideBatch(context, 'child-0', looks, { readAt: at, now: at });
    expect(await rows('select l.salesforce_id from borrowers b join lenders l on l.id = b.lender_id')).toEqual([
      { salesforce_id: FIRST },
    ]);
  });
});

describe('a field that is back in the mapping', () => {
  test('brings what one side alone has edited in that time, whatever its policy', async () => {
    await pair(OURS, FIRST, { Phone: '1', Website: 'one' });
    await pair(OURS, SECOND, { Phone: '1', Website: 'two' });
    hold(FIRST, 5, { Phone: '2', Website: 'theirs' });
    await file(WITHOUT, FIRST);
    await rows(`update lenders set website = 'ours' where salesforce_id = $1`, [SECOND]);
    await edited(WITHOUT);
    expect((await rest(WITHOUT)).sent).toEqual([]);
    await edited(OURS);
    const { sent, joined } = await rest(OURS);
    expect(sent).toEqual([[SECOND, { kind: 'update', fields: { Website: 'ours' } }]]);
    expect(joined).toEqual([{ code: 'FIELD_JOINED', field: 'Website', count: expect.any(Number) }]);
    expect(await websites()).toEqual([{ website: 'theirs' }, { website: 'ours' }]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('does not count an empty column that was made anew in that time', async () => {
    await pair(WITH, FIRST, { Website: 'one' });
    await edited(WITHOUT);
    await rows('alter table lenders drop column website; alter table lenders add column website text');
    await edited(WITH);
    expect((await rest(WITH)).sent).toEqual([]);
    expect(await websites()).toEqual([{ website: 'one' }]);
  });
});

describe('a field that means something else', () => {
  test.for<[string, (each: FieldMapping) => FieldMapping, string]>([
    ['because it has another column', (each) => ({ ...each, column: 'site' }), 'site'],
    ['because it goes both ways now', (each) => ({ ...each, direction: 'both' }), 'website'],
  ])('%s is left out until its base is forgotten, and then merged for the first time', async ([, change, column]) => {
    await rows('alter table lenders add column site text');
    const before = mapped((fields) =>
      fields.map((each) =>
        each.field === 'Website' ? { ...each, direction: 'to-postgres', policy: 'postgres' } : each,
      ),
    );
    const after = mapped((fields) =>
      fields.map((each) => (each.field === 'Website' ? change({ ...each, policy: 'postgres' }) : each)),
    );
    await pair(before, FIRST, { Website: 'one' });
    await rows(`update lenders set ${column} = null`);
    await edited(after);
    expect((await rest(after)).sent).toEqual([]);
    expect(await rows(`select ${column} as website from lenders`)).toEqual([{ website: 'one' }]);
  });

  test('because of its type is compared as that', async () => {
    const asText = mapped((fields) =>
      fields.map((each) => (each.field === 'AnnualRevenue' ? { ...each, type: FIELD_TYPES.text } : each)),
    );
    hold(FIRST, 1, { AnnualRevenue: '100.0' });
    await file(asText, FIRST);
    hold(FIRST, 1, { AnnualRevenue: '100' });
    await edited(WITH);
    expect((await rest(WITH)).sent).toEqual([]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });
});

describe('a field whose values have other codes', () => {
  const by = (values: ValueMap, more: Partial<FieldMapping> = {}) =>
    mapped((fields) =>
      fields.map((each) =>
        each.field === 'Industry' ? { ...each, ...more, type: fieldTypeOf({ type: 'text', values }) } : each,
      ),
    );
  const industries = () => rows('select industry from lenders order by salesforce_id');
  const [BEFORE, WIDER] = [by({ Banking: 0, Finance: 1 }), by({ Banking: 0, Finance: 1, Retail: 2 })];

  beforeEach(() => rows('alter table lenders alter industry type integer using null'));

  test('takes what waited for a new entry on either side, as the edit that it is', async () => {
    await pair(BEFORE, FIRST, { Industry: 'Banking' });
    await pair(BEFORE, SECOND, { Industry: 'Retail' });
    await rows('update lenders set industry = 2');
    await edited(BEFORE);
    expect((await rest(BEFORE)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 2 }]);
    await edited(WIDER);
    expect((await rest(WIDER)).sent).toEqual([[FIRST, { kind: 'update', fields: { Industry: 'Retail' } }]]);
    expect(await industries()).toEqual([{ industry: 2 }, { industry: 2 }]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
    expect(
      await rows(`select code from sfsync.rejected_record where resolved_at is null and direction = 'to-postgres'`),
    ).toEqual([]);
  });

  test('keeps its base while functions with the former map run beside those with the new one', async () => {
    await pair(BEFORE, FIRST, { Industry: 'Banking' });
    await edited(WIDER);
    await rest(WIDER);
    const meanings = () => rows(`select meaning, joining from sfsync.mapped_column where field = 'Industry'`);
    const before = await meanings();
    await edited(BEFORE);
    await rest(BEFORE);
    await edited(WIDER);
    expect(await meanings()).toEqual(before);
    await rows('update lenders set industry = 1');
    await edited(WIDER);
    expect((await rest(WIDER)).sent).toEqual([[FIRST, { kind: 'update', fields: { Industry: 'Finance' } }]]);
  });

  test('is merged for the first time where a code means another value: rows that were not migrated follow Salesforce', async () => {
    await pair(BEFORE, FIRST, { Industry: 'Banking' });
    const renumbered = by({ Banking: 1, Finance: 0 });
    await edited(renumbered);
    expect((await rest(renumbered)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 1 }]);
    expect(await rows('select reason, salesforce_value, postgres_value, winner from sfsync.conflict')).toEqual([
      { reason: 'new in the mapping', salesforce_value: 'Banking', postgres_value: 'Finance', winner: 'salesforce' },
    ]);
  });

  test('is as it was where the application has renumbered its rows along', async () => {
    await pair(BEFORE, FIRST, { Industry: 'Banking' });
    const renumbered = by({ Banking: 10, Finance: 11 }, { policy: 'postgres' });
    await rows('update lenders set industry = industry + 10');
    await edited(renumbered);
    expect((await rest(renumbered)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 10 }]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('is as it was where a value was renamed in Salesforce', async () => {
    await pair(BEFORE, FIRST, { Industry: 'Banking' });
    const renamed = by({ Banks: 0, Finance: 1 }, { policy: 'postgres' });
    hold(FIRST, 1, { Industry: 'Banks' });
    await edited(renamed);
    expect((await rest(renamed)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 0 }]);
    expect(await rows('select from sfsync.conflict')).toEqual([]);
  });

  test('is merged for the first time when a map, or a sample, comes or goes', async () => {
    await rows('alter table lenders alter industry type text');
    hold(FIRST, 1, { Industry: 'Banking' });
    await file(WITH, FIRST);
    const coded = by({ Banking: 'B', Finance: 'F' });
    await edited(coded);
    expect((await rest(coded)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 'B' }]);
    const reversed = (given: string) => [...given].reverse().join('');
    const convert = { toPostgres: reversed, toSalesforce: reversed, samples: { abc: 'cba' } };
    const computed = mapped((fields) =>
      fields.map((each) =>
        each.field === 'Industry' ? { ...each, type: fieldTypeOf({ type: 'text', convert }) } : each,
      ),
    );
    await edited(computed);
    expect((await rest(computed)).sent).toEqual([]);
    expect(await industries()).toEqual([{ industry: 'gniknaB' }]);
  });
});

test('an object that is back, and another row filter, are compared', async () => {
  await pair(WITH, FIRST, { Website: 'one' });
  const others = {
    ...WITH,
    objects: WITH.objects.filter(
      ({ object }) => object !== 'Account' && object !== 'Opportunity' && object !== 'Contact',
    ),
  };
  const other = defineSync({ objects: { Lead: { table: 'public.lenders', fields: { Company: text('name') } } } });
  await inLedger(
    contextOf(session, { ...others, objects: other.objects }, 'Lead'),
    { lease: false },
    async () => undefined,
  );
  await edited(WITH);
  const reasons = () => rows(`select reasons from sfsync.comparison where object = 'Account'`);
  expect(await reasons()).toEqual([{ reasons: ['mapped again'] }]);
  await rows(`update sfsync.comparison set finished_at = now()`);
  await edited(mapped((fields) => fields, { filter: { where: 'phone is null', leaving: 'ignore' } }));
  expect(await reasons()).toEqual([{ reasons: ['row filter changed'] }]);
});
