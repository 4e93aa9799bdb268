/** Fields with `values` or `convert`: only the column holds what these make of a value, and one that they have nothing for stops its record. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { OutcomeLine } from '../../../core/contracts/outbound-tasks.ts';
import type { CanonicalValue } from '../../../core/mapping/canonical.ts';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { AnyConversion } from '../../../core/mapping/field-types/converted.ts';
import { fieldTypeOf } from '../../../core/mapping/field-types/field-types.ts';
import type { ValueMap } from '../../../core/mapping/field-types/value-map.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { takeLease } from '../../../postgres/ledger/lease.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { decideBatch } from '../../../steps/decide.ts';
import { chooseNewRows } from '../../../steps/new-rows/choose-new-rows.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { settleBatch } from '../../../steps/settle.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { chosenRecords, contextOf } from '../../support/system/steps.ts';

const [FIRST, SECOND] = ['001000000000001AAA', '001000000000002AAA'];
const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const LONG_AFTER = Date.UTC(2030, 0, 1);

interface Between {
  readonly values?: ValueMap;
  readonly convert?: AnyConversion;
}

/** The sample, with the industry of an account between its values and its column. */
function industryBy(between: Between): SyncConfiguration {
  const objects = sample.objects.map((mapping) => ({
    ...mapping,
    delivery: 'api' as const,
    fields: mapping.fields.map((field) =>
      field.field === 'Industry' ? { ...field, type: fieldTypeOf({ type: 'text', ...between }) } : field,
    ),
  }));
  return { ...sample, objects };
}

const MAP = { Banking: 0, Finance: 3, '': -1 };
const BY_MAP = industryBy({ values: MAP });

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
let configuration: SyncConfiguration;

beforeEach(async () => {
  session = await lender.session();
  configuration = BY_MAP;
  await takeLease(session, 'Account', EXECUTION, async () => true);
});

const outbound = () => contextOf(session, configuration, 'Account', EXECUTION);
const account = (id: string, second: number, Industry: CanonicalValue, more = {}) =>
  version('Account', id, second, { Industry, ...more });

function file(...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, 'Account', 'a file'), 'f', lines, LONG_AFTER);
}

async function edit(assignment: string) {
  await rows(`update lenders set ${assignment}`);
  const keys = (await rows('select row_key from sfsync.link')).map(({ row_key }) => row_key);
  await inTransaction(session, () => receiveKeys(outbound(), keys));
}

async function sent(...found: SalesforceVersion[]) {
  const due = await chosenRecords(outbound());
  const looks = due.map((record) => ({ ...record, version: found.find(({ id }) => id === record.id) }));
  const now = Date.UTC(2026, 0, 2);
  return (await decideBatch(outbound(), 'one-0', looks, { readAt: now, now })).pushes;
}

async function settled(pushes: Awaited<ReturnType<typeof sent>>, readBack: SalesforceVersion) {
  const outcomes = pushes.map(({ id }): [string, OutcomeLine] => [id, { id, outcome: 'accepted' }]);
  const at = Date.UTC(2026, 0, 3);
  const lines = pushes.map(({ id, revision }) => ({ id, revision, version: readBack }));
  const answers = { outcomes: new Map(outcomes), flowFailures: undefined, readAt: at, now: at };
  return settleBatch(outbound(), 'one-0', lines, answers);
}

const industries = async () =>
  (await rows('select industry::text from lenders order by salesforce_id')).map(({ industry }) => industry);
const bases = async () =>
  (await rows(`select base ->> 'Industry' as industry from sfsync.link order by salesforce_id`)).map(
    ({ industry }) => industry,
  );
const rejects = () =>
  rows('select salesforce_id as id, field, code from sfsync.rejected_record where resolved_at is null order by 1');

describe('a field by values', () => {
  beforeEach(async () => {
    await rows(`alter table lenders alter industry type integer using null, alter industry set not null`);
  });

  test('puts codes into rows, of the empty value, too; the link holds values as Salesforce has them', async () => {
    expect(await file(account(FIRST, 1, 'Finance'), account(SECOND, 1, null))).toMatchObject({
      inserted: 2,
      due: false,
    });
    expect(await industries()).toEqual(['3', '-1']);
    expect(await bases()).toEqual(['Finance', null]);
    expect(await file(account(FIRST, 2, 'Banking'))).toMatchObject({ updated: 1, due: false });
    expect(await industries()).toEqual(['0', '-1']);
  });

  test('sends an edit of the row as the value, once', async () => {
    await file(account(FIRST, 1, 'Finance'));
    await edit('industry = 0');
    const pushes = await sent(account(FIRST, 1, 'Finance'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Industry: 'Banking' } }]);
    await settled(pushes, account(FIRST, 2, 'Banking'));
    expect(await bases()).toEqual(['Banking']);
    expect(await chosenRecords(outbound())).toEqual([]);
  });

  test('keeps values as Salesforce has them of a conflict', async () => {
    await file(account(FIRST, 1, 'Finance'));
    await edit('industry = -1');
    await sent(account(FIRST, 2, 'Banking'));
    expect(
      await rows(
        'select base, salesforce_value as salesforce, postgres_value as postgres, winner from sfsync.conflict',
      ),
    ).toEqual([{ base: 'Finance', salesforce: 'Banking', postgres: null, winner: 'salesforce' }]);
    expect(await industries()).toEqual(['0']);
  });

  test('rejects a record with another value alone, and takes it when it has an entry', async () => {
    const applied = await file(account(FIRST, 1, 'Finance'), account(SECOND, 1, 'Space travel'));
    expect(applied).toMatchObject({ inserted: 1, rejected: 1 });
    expect(applied.reasons).toEqual([{ code: 'VALUE_NOT_MAPPED', field: 'Industry', count: 1, ids: [SECOND] }]);
    expect(await rejects()).toEqual([{ id: SECOND, field: 'Industry', code: 'VALUE_NOT_MAPPED' }]);
    expect(await rows('select reason, value from sfsync.rejected_record')).toEqual([
      {
        reason:
          'The value of Industry has no entry in its `values`. Add one to sync.config.ts, or change the value in Salesforce.',
        value: 'Space travel',
      },
    ]);
    configuration = industryBy({ values: { ...MAP, 'Space travel': 4 } });
    await file(account(SECOND, 1, 'Space travel'));
    expect(await industries()).toEqual(['3', '4']);
    expect(await rejects()).toEqual([]);
  });

  test('keeps the edit of a row whose record has got another value, until that has an entry', async () => {
    await file(account(FIRST, 1, 'Finance'));
    await edit(`phone = 'edited'`);
    expect(await sent(account(FIRST, 2, 'Space travel'))).toEqual([]);
    expect(await rejects()).toEqual([{ id: FIRST, field: 'Industry', code: 'VALUE_NOT_MAPPED' }]);
    expect(await rows('select value from sfsync.rejected_record where resolved_at is null')).toEqual([
      { value: 'Space travel' },
    ]);
    await file(account(FIRST, 3, 'Banking'));
    const pushes = await sent(account(FIRST, 3, 'Banking'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
    expect(await industries()).toEqual(['0']);
  });

  test('sends no code without an entry, and all else of the row', async () => {
    await file(account(FIRST, 1, 'Finance'));
    await edit(`industry = 7, phone = 'edited'`);
    const pushes = await sent(account(FIRST, 1, 'Finance'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
    await settled(pushes, account(FIRST, 2, 'Finance', { Phone: 'edited' }));
    expect(await rejects()).toEqual([{ id: FIRST, field: 'Industry', code: 'VALUE_NOT_MAPPED' }]);
    expect(await industries()).toEqual(['7']);
    await edit('industry = 0');
    expect((await sent(account(FIRST, 2, 'Finance', { Phone: 'edited' }))).map(({ push }) => push.outgoing)).toEqual([
      { kind: 'update', fields: { Industry: 'Banking' } },
    ]);
  });

  test('lets a record with another value be deleted', async () => {
    await file(account(FIRST, 1, 'Finance'));
    expect(await file(deletedVersion('Account', FIRST, 2, { Industry: 'Space travel' }))).toMatchObject({
      deleted: 1,
      rejected: 0,
    });
  });

  test('does not look at values that only PostgreSQL writes', async () => {
    const objects = configuration.objects.map((mapping) => ({
      ...mapping,
      fields: mapping.fields.map((each) =>
        each.field === 'Industry' ? { ...each, direction: 'to-salesforce' as const } : each,
      ),
    }));
    configuration = { ...configuration, objects };
    await rows('alter table lenders alter industry set default 0');
    expect(await file(account(FIRST, 1, 'Space travel'))).toMatchObject({ inserted: 1, rejected: 0 });
    expect((await sent(account(FIRST, 1, 'Space travel'))).map(({ push }) => push.outgoing)).toEqual([
      { kind: 'update', fields: { Industry: 'Banking' } },
    ]);
  });
});

test('values that only Salesforce writes may share a code, and none of them goes back', async () => {
  await rows(`alter table lenders alter industry type integer using null`);
  const shared = industryBy({ values: { Banking: 0, Finance: 0, Retail: 1 } });
  const objects = shared.objects.map((mapping) => ({
    ...mapping,
    fields: mapping.fields.map((each) =>
      each.field === 'Industry' ? { ...each, direction: 'to-postgres' as const } : each,
    ),
  }));
  configuration = { ...shared, objects };
  expect(await file(account(FIRST, 1, 'Finance'))).toMatchObject({ inserted: 1, due: false, reasons: [] });
  expect([await industries(), await bases()]).toEqual([['0'], ['Finance']]);
  expect(await file(account(FIRST, 2, 'Banking'))).toMatchObject({ updated: 0, due: false, reasons: [] });
  await edit(`phone = 'edited'`);
  expect((await sent(account(FIRST, 2, 'Banking'))).map(({ push }) => push.outgoing)).toEqual([
    { kind: 'update', fields: { Phone: 'edited' } },
  ]);
});

test.for<[type: string, values: ValueMap, held: string]>([
  ['char(3)', { Finance: 'F' }, 'F'],
  ['citext', { Finance: 'fin' }, 'fin'],
  ['boolean', { Finance: true, Banking: false }, 'true'],
  ['numeric(6,2)', { Finance: 3 }, '3.00'],
  ['smallint', { Finance: 3 }, '3'],
  ['float8', { Finance: 0.5 }, '0.5'],
  ['line_of_business', { Finance: 'finance' }, 'finance'],
])('a column of type %s takes the codes %j and gives them back', async ([type, values, held]) => {
  await rows(`create extension if not exists citext; create type line_of_business as enum ('banking', 'finance')`);
  await rows(`alter table lenders alter industry type ${type} using null`);
  configuration = industryBy({ values });
  expect(await file(account(FIRST, 1, 'Finance'))).toMatchObject({ inserted: 1, due: false, reasons: [] });
  expect(await industries()).toEqual([held]);
  expect(await file(account(FIRST, 2, 'Finance', { Phone: '1' }))).toMatchObject({ updated: 1, due: false });
  await edit(`phone = 'edited'`);
  const pushes = await sent(account(FIRST, 2, 'Finance', { Phone: '1' }));
  expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
});

describe('a computed column', () => {
  const reversed = (given: string) => [...given].reverse().join('');
  const mirror = (more: Partial<AnyConversion> = {}): AnyConversion => ({
    toPostgres: (value: string) => reversed(value),
    toSalesforce: reversed,
    samples: { abc: 'cba' },
    ...more,
  });

  test('goes both ways through the functions', async () => {
    configuration = industryBy({ convert: mirror() });
    await file(account(FIRST, 1, 'Finance'));
    expect([await industries(), await bases()]).toEqual([['ecnaniF'], ['Finance']]);
    await edit(`industry = 'gniknaB'`);
    const pushes = await sent(account(FIRST, 1, 'Finance'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Industry: 'Banking' } }]);
  });

  test('rejects a value for which a function throws alone, and what it says stays unsaid', async () => {
    const toPostgres = (value: string) => {
      if (value === 'secret') throw new Error(`no ${value}`);
      return reversed(value);
    };
    configuration = industryBy({ convert: mirror({ toPostgres }) });
    const applied = await file(account(FIRST, 1, 'Finance'), account(SECOND, 1, 'secret'));
    expect(applied).toMatchObject({ inserted: 1, rejected: 1 });
    const [reject] = await rows('select code, field, reason, value from sfsync.rejected_record');
    expect(reject).toMatchObject({ code: 'VALUE_NOT_CONVERTED', field: 'Industry', value: 'secret' });
    expect(reject.reason).not.toContain('secret');
  });

  test('sends no text for which a function throws, and all else of the row', async () => {
    const toSalesforce = (held: string) => {
      if (held === 'secret') throw new Error(held);
      return reversed(held);
    };
    configuration = industryBy({ convert: mirror({ toSalesforce }) });
    await file(account(FIRST, 1, 'Finance'));
    await edit(`industry = 'secret', phone = 'edited'`);
    const pushes = await sent(account(FIRST, 1, 'Finance'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
  });

  test('of a value that does not come back as it was holds what it made of it, which is no edit', async () => {
    configuration = industryBy({
      convert: {
        toPostgres: (value: string) => value.toLowerCase(),
        toSalesforce: (held) => held,
        samples: { a: 'a' },
      },
    });
    await file(account(FIRST, 1, 'Finance'));
    expect([await industries(), await bases()]).toEqual([['finance'], ['Finance']]);
    await edit(`phone = 'edited'`);
    const pushes = await sent(account(FIRST, 1, 'Finance'));
    expect(pushes.map(({ push }) => push.outgoing)).toEqual([{ kind: 'update', fields: { Phone: 'edited' } }]);
    await settled(pushes, account(FIRST, 2, 'Finance', { Phone: 'edited' }));
    expect(await chosenRecords(outbound())).toEqual([]);
  });
});

describe('rows that become records', () => {
  const loanBy = (values: ValueMap): SyncConfiguration => ({
    ...sample,
    objects: sample.objects.map((mapping) => ({
      ...mapping,
      fields: mapping.fields.map((field) =>
        field.field === 'StageName' ? { ...field, type: fieldTypeOf({ type: 'text', values }) } : field,
      ),
    })),
  });
  const LOAN = '006000000000001AAA';
  const KEY = '0b9c1bb5-2a59-4f2d-9a55-6d5cc1b0a001';

  beforeEach(async () => {
    configuration = loanBy({ Prospecting: 0, 'Closed Won': 3 });
    await takeLease(session, 'Opportunity', EXECUTION, async () => true);
    await rows(
      `alter table loan_applications alter stage drop default, alter stage type integer using null, alter stage drop not null`,
    );
  });

  test.for([
    [3, { StageName: 'Closed Won' }],
    [7, {}],
  ] as const)('one with code %d is sent with %j', async ([code, stage]) => {
    await rows(`insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', $2, '2026-12-31')`, [
      KEY,
      code,
    ]);
    const context = contextOf(session, configuration, 'Opportunity', EXECUTION);
    await inTransaction(session, () => receiveKeys(context, [KEY]));
    const newRows = (await chooseNewRows(context, 10)).due.map((row) => ({ ...row, version: undefined }));
    const { inserts } = await decideBatch(context, 'one-0', [], { readAt: 0, now: 0, newRows });
    expect(inserts.map(({ line }) => line.fields)).toEqual([
      expect.objectContaining({ Name: 'Mine', CloseDate: '2026-12-31', ...stage }),
    ]);
    expect(Object.keys(inserts[0]?.line.fields ?? {})).toHaveLength(2 + Object.keys(stage).length);
  });

  test('a record that names the row with a value without an entry is rejected alone, and takes it later', async () => {
    await rows(`insert into loan_applications (id, title, stage, closes_on) values ($1, 'Mine', 3, '2026-12-31')`, [
      KEY,
    ]);
    const named = (StageName: string, second: number) => ({
      ...version('Opportunity', LOAN, second, { StageName }),
      externalId: KEY,
    });
    const context = contextOf(session, configuration, 'Opportunity', 'a file');
    const apply = (each: SalesforceVersion) => applyVersions(context, 'f', [{ line: 1, version: each }], LONG_AFTER);
    expect(await apply(named('Lost', 1))).toMatchObject({ rejected: 1, updated: 0 });
    expect(await rejects()).toEqual([{ id: LOAN, field: 'StageName', code: 'VALUE_NOT_MAPPED' }]);
    expect(await apply(named('Prospecting', 2))).toMatchObject({ rejected: 0 });
    expect(await rows('select salesforce_id, stage from loan_applications')).toEqual([
      { salesforce_id: LOAN, stage: 0 },
    ]);
  });
});
