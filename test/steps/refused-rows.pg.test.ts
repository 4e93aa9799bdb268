/** Whatever a row is refused with, it is refused alone, and no text of the server that may hold a value leaves the session. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { SalesforceVersion } from '../../core/mapping/salesforce-version.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyVersions } from '../../steps/apply.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf } from '../support/system/steps.ts';

const BAD = 'a secret of the record';
const ids = Array.from({ length: 20 }, (_, i) => `001000000000${String(i).padStart(3, '0')}AAA`);
const bad = ids[7] ?? '';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

const apply = (...versions: SalesforceVersion[]) =>
  applyVersions(
    contextOf(session, configuration, 'Account'),
    'file',
    versions.map((each, i) => ({ line: i + 1, version: each })),
    Date.UTC(2030, 0, 1),
  );
const all = (stamp: number, value = BAD) =>
  ids.map((id) => version('Account', id, stamp, { Description: id === bad ? value : `fine ${stamp}` }));
const trigger = async (body: string) => {
  await rows(`create function refuse() returns trigger language plpgsql as $$ begin ${body} return new; end $$`);
  await rows('create trigger refuse before insert or update on lenders for each row execute function refuse()');
};
const raising = (code: string) =>
  `if new.description = '${BAD}' then raise exception 'no: %', new.description using errcode = '${code}', detail = new.description; end if;`;

/** Each of them the server itself uses for something else, or for nothing. */
const RAISED = [
  ...['45000', 'AB123', 'P0001', 'P0004', '42501', '42P01', '0A000', '21000', '44000', '2F002', '38001', '39004'],
  ...['XX000', '57014', '54000', '08006', '53100', '40001', '55P03', '57P01', '25006'],
];

describe('one row that the database refuses', () => {
  test.for(RAISED)('is rejected alone when a trigger raises %s', async (code) => {
    await trigger(raising(code));
    expect(await apply(...all(1))).toMatchObject({ inserted: 19, rejected: 1, reasons: [{ code, count: 1 }] });
    const [reject] = await rows('select salesforce_id, reason from sfsync.rejected_record');
    expect(reject.salesforce_id).toBe(bad);
    expect(reject.reason).not.toContain(BAD);
    expect(await apply(...all(2, 'mended'))).toMatchObject({ inserted: 1, updated: 19, rejected: 0 });
  });

  const noise = Array.from({ length: 400 }, () => crypto.randomUUID()).join('');
  const CASES: readonly (readonly [code: string, ddl: string, value: string])[] = [
    ['54000', 'create index on lenders (description)', noise],
    [
      '22P02',
      'alter table lenders add weight int generated always as (case when description like $$a secret%$$ then description::int end) stored',
      BAD,
    ],
    ['22012', 'create index on lenders ((1 / (length(description) - 22)))', BAD],
    ['23514', `alter table lenders add check (description not like 'a secret%')`, BAD],
    [
      '42601',
      `create index on lenders using gin (to_tsvector('simple', (description::text))) where case when description like 'a secret%' then to_tsquery('simple', description) is not null else true end`,
      `${BAD} & (`,
    ],
  ];
  test.for(CASES)('is rejected alone when the table answers %s', async ([code, ddl, value]) => {
    await rows(ddl);
    expect(await apply(...all(1, value))).toMatchObject({ inserted: 19, rejected: 1, reasons: [{ code, count: 1 }] });
    const [{ reason }] = await rows('select reason from sfsync.rejected_record');
    expect(reason).not.toContain(value.slice(0, 12));
  });

  test('is rejected alone when what its trigger does is forbidden, or takes too long', async () => {
    await rows('create table log (line text)');
    await trigger(`if new.description = '${BAD}' then insert into log values (new.description); end if;`);
    expect(await apply(...all(1))).toMatchObject({ inserted: 19, rejected: 1, reasons: [{ code: '42501' }] });
    await rows(`create or replace function refuse() returns trigger language plpgsql as $$
      begin if new.description = '${BAD}' then perform pg_sleep(60); end if; return new; end $$`);
    await session.query('set statement_timeout = 300');
    expect(await apply(...all(2))).toMatchObject({ updated: 19, rejected: 1, reasons: [{ code: '57014' }] });
  });
});

describe('what every record meets', () => {
  test('a right that is missing is the configuration’s fault, and nothing is rejected', async () => {
    await rows('revoke insert on lenders from sfsync_apply');
    await expect(apply(...all(1))).rejects.toMatchObject({
      name: 'ConfigurationError',
      code: '42501',
      message: expect.stringContaining('lenders'),
    });
    expect(await rows('select from sfsync.rejected_record')).toEqual([]);
  });

  test('a trigger that refuses each of them rejects each of them', async () => {
    await trigger(`raise exception 'closed' using errcode = 'AB123';`);
    expect(await apply(...all(1))).toMatchObject({
      inserted: 0,
      rejected: 20,
      reasons: [{ code: 'AB123', count: 20 }],
    });
  });
});

test('of 2,000 records 1,980 do not fit: the others are written, and no record is tried by a statement of its own', async () => {
  await rows(`alter table lenders add check (description <> '${BAD}')`);
  const many = Array.from({ length: 2000 }, (_, i) =>
    version('Account', `00100000000${String(i).padStart(4, '0')}AAA`, 1, { Description: i % 100 === 7 ? 'fine' : BAD }),
  );
  const statements = vi.spyOn(session, 'query');
  expect(await apply(...many)).toMatchObject({
    inserted: 20,
    rejected: 1980,
    left: [],
    reasons: [{ code: '23514', count: 1980 }],
  });
  // Halving took dozens for each that did not fit. How many parts there are depends on how fast the machine is.
  expect(statements.mock.calls.length).toBeLessThan(1980);
  expect(await rows('select count(*)::int as n from lenders')).toEqual([{ n: 20 }]);
});

test('no error that leaves the session holds a value, nor does its cause', async () => {
  await trigger(`raise exception '%', new.description using errcode = '57P03', hint = new.description;`);
  const failed = session.query(`insert into lenders (name, description) values ('x', $1)`, [BAD]);
  const { classified } = await import('../../postgres/session/server-errors.ts');
  const error = classified(await failed.catch((reason: unknown) => reason));
  expect(JSON.stringify([error.message, error.stack, error.cause, String(error.cause)])).not.toContain(BAD);
});
