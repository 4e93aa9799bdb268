import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { conflictTable, listed } from '../../cli/listings.ts';
import { redriveRejects } from '../../cli/redrive/rejects.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { writeEndpoints } from '../../local/endpoints.ts';
import { readOpenConflicts } from '../../postgres/ledger/conflicts.ts';
import type { RejectSelection } from '../../postgres/ledger/open-rejects.ts';
import { readOpenRejects } from '../../postgres/ledger/open-rejects.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { createLenderDatabase, type LenderDatabase } from '../support/postgres/lender-database.ts';
import { type DeployedStack, startDeployedStack } from './deployed-stack.ts';

const CLI = fileURLToPath(new URL('../../cli/sfsync.ts', import.meta.url));
const CONFIGURATION = fileURLToPath(new URL('../../examples/lender/sync.config.ts', import.meta.url));
const FILE = 'salesforce/Contact/flow/run/records';
let lender: LenderDatabase;
let stack: DeployedStack;
let session: Session;
let directory: string;

beforeAll(async () => {
  [lender, stack] = await Promise.all([createLenderDatabase(), startDeployedStack()]);
  session = await lender.database.client();
  directory = await mkdtemp(join(tmpdir(), 'sfsync-cli-'));
  const { endpoint, region, credentials } = stack.running.client;
  writeEndpoints(directory, {
    aws: { endpoint, region, ...credentials },
    postgres: { url: lender.database.url },
    salesforce: { instanceUrl: '', accessToken: '', clientId: '', clientSecret: '' },
    resources: {},
  });
});
beforeEach(async () => {
  stack.printed.splice(0);
  await session.query('truncate sfsync.link, sfsync.rejected_record, sfsync.conflict restart identity');
  await session.query(`insert into sfsync.link (object, salesforce_id, row_key, refused, refused_deleted, base, base_deleted)
    values ('Account', '001000000000001AAA', '1', '{"Phone": "x"}', null, '{}', false),
           ('Account', '001000000000003AAA', '3', '{}', true, '{}', false)`);
  await session.query(`insert into sfsync.rejected_record
      (object, salesforce_id, row_key, field, direction, source, line, code, reason, execution) values
      ('Account', '001000000000001AAA', '1', 'Phone', 'to-salesforce', 'one-0', null, 'FIELD_INTEGRITY_EXCEPTION',
       'Salesforce says that it will not have a value such as this one.', 'arn:aws:states:r:a:execution:m:run-1'),
      ('Account', '001000000000002AAA', null, null, 'to-postgres', '${FILE}', 7, '23514', 'constraint short', 'run-2'),
      ('Contact', null, null, null, 'to-postgres', '${FILE}', 9, 'UNREADABLE_LINE', 'The line is no JSON.', 'run-2'),
      ('Lead', '00Q000000000001AAA', null, null, 'to-postgres', 'f', 1, 'X', 'y', 'run-0')`);
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await lender?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

function redrive(selection: RejectSelection = {}, dryRun = false): Promise<number> {
  return redriveRejects(stack.operator({ dryRun }), session, configuration, selection);
}

async function links() {
  const { rows } = await session.query(
    'select salesforce_id as id, dirty, reread_due, refused, refused_deleted, revision::int from sfsync.link order by 1',
  );
  return rows;
}

async function openIds(): Promise<number[]> {
  const sql = 'select id::int from sfsync.rejected_record where resolved_at is null order by 1';
  return (await session.query<{ id: number }>(sql)).rows.map(({ id }) => id);
}

describe('redrive rejects', () => {
  const TAKEN_UP = { dirty: true, reread_due: true, refused: {}, refused_deleted: null, revision: 1 };
  const UNTOUCHED = { id: '001000000000003AAA', dirty: false, reread_due: false, refused_deleted: true, revision: 0 };

  test('makes their records due on both sides, also those that have no link yet, and announces their objects', async () => {
    expect(await redrive({ object: 'Account' })).toBe(0);
    expect(await links()).toMatchObject([
      { id: '001000000000001AAA', ...TAKEN_UP },
      { id: '001000000000002AAA', ...TAKEN_UP },
      UNTOUCHED,
    ]);
    expect(await openIds()).toEqual([1, 2, 3, 4]);
    expect(stack.printed).toEqual([
      'Account: 2 records due again; what is refused once more will be listed by `sfsync rejects`',
    ]);
    expect(await stack.announced(1)).toEqual(['Account']);
  });

  test('of one direction or record leaves the others alone', async () => {
    await redrive({ direction: 'to-salesforce' });
    expect(await links()).toMatchObject([{ id: '001000000000001AAA', ...TAKEN_UP }, UNTOUCHED]);
    await redrive({ ids: ['2'] });
    expect(await links()).toMatchObject([{ revision: 1 }, { id: '001000000000002AAA', ...TAKEN_UP }, UNTOUCHED]);
    await stack.announced(2);
    expect(await redrive({ ids: ['4711'] })).toBe(0);
    expect(stack.printed.at(-1)).toBe('no open rejects of that kind');
  });

  test('reads a file again for a line that named no record, and names the file that is gone', async () => {
    expect(await redrive({ object: 'Contact' })).toBe(1);
    expect(stack.printed.splice(0)).toEqual([
      `${FILE}: 1 unreadable line of a file that is no longer in the bucket; stays listed`,
    ]);
    await stack.call('s3', 'PutObject', { Bucket: 'files', Key: FILE, Body: '12345' });
    const applied = await stack.mend('salesforce-to-postgres');
    expect(await redrive({ object: 'Contact' }, true)).toBe(0);
    expect(await openIds()).toEqual([1, 2, 3, 4]);
    expect(await redrive({ object: 'Contact' })).toBe(0);
    expect(await openIds()).toEqual([1, 2, 4]);
    const [started] = await stack.take(applied, 1);
    expect(JSON.parse(started?.body ?? '')).toEqual({ bucket: 'files', key: FILE, size: 5, putAt: expect.any(String) });
  });

  test('leaves what is not mapped any more', async () => {
    expect(await redrive({ salesforceIds: ['00Q000000000001AAA'] })).toBe(1);
    expect(stack.printed).toEqual(['Lead: is not in sync.config.ts any more; its rejects stay']);
    expect(await openIds()).toContain(4);
  });
});

describe('at the terminal', () => {
  function sfsync(...args: readonly string[]) {
    const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
    execFile(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        CLI,
        ...args,
        '--config',
        CONFIGURATION,
        '--endpoints',
        join(directory, 'endpoints.json'),
      ],
      { cwd: directory, env: { PATH: process.env.PATH } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    return promise;
  }

  test('rejects are a table, or JSON', async () => {
    const [table, json] = await Promise.all([sfsync('rejects'), sfsync('rejects', '--json', '--object', 'Contact')]);
    expect(table).toMatchObject({ code: 1, err: '' });
    expect(table.out).toMatch(/│ 1 +│ Account +│ 001000000000001AAA +│ 1 +│ Phone +│ to-salesforce +│/);
    expect(table.out).toContain('FIELD_INTEGRITY_EXCEPTION: Salesforce says that it');
    expect(table.out).toContain(`${FILE} line 9`);
    expect(table.out).toContain('│ run-1 ');
    expect(table.out.trim().split('\n').at(-1)).toBe('4 open rejects');
    expect(JSON.parse(json.out)).toMatchObject([{ id: '3', object: 'Contact', salesforceId: null, line: 9 }]);
  });

  test('conflicts show values only when asked to, and are marked as seen', async () => {
    await session.query(`insert into sfsync.conflict
        (object, salesforce_id, row_key, field, reason, base, salesforce_value, postgres_value, winner, execution) values
        ('Contact', '003000000000001AAA', '5', 'Phone', 'both edited', '"1"', '"2"', '"secret"', 'salesforce', 'run-3'),
        ('Contact', '003000000000002AAA', '6', null, 'deleted and edited', null, '{}', '{}', 'postgres', 'run-3')`);
    const conflicts = await readOpenConflicts(session, {});
    const table = conflictTable(conflicts, false);
    expect(table).toMatch(/│ 1 +│ Contact +│ 003000000000001AAA +│ 5 +│ Phone +│ both edited +│ salesforce +│/);
    expect(table).toMatch(/│ the record +│ deleted and edited +│ postgres +│/);
    expect(table).not.toContain('secret');
    expect(conflictTable(conflicts, true)).toMatch(/│ "1" +│ "2" +│ "secret" +│/);
    const json = await sfsync('conflicts', '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toHaveLength(2);
    expect(json.out).not.toContain('secret');
    const resolved = await sfsync('conflicts', '--resolve', '1', '4711');
    expect(resolved).toMatchObject({
      code: 2,
      err: 'No open conflict has the id 4711; 1 other marked as seen.\n',
    });
    expect(await readOpenConflicts(session, {})).toMatchObject([{ id: '2' }]);
  });

  test('a reject that comes to nothing is taken off the list', async () => {
    const open = async () => (await readOpenRejects(session, {})).map(({ id }) => id);
    const before = await open();
    const [first = ''] = before;
    expect(await sfsync('rejects', '--discard', first)).toMatchObject({ code: 0, out: '1 reject discarded\n' });
    expect(await open()).toEqual(before.slice(1));
    await session.query('update sfsync.rejected_record set resolved_at = null where id = $1', [first]);
    expect(await sfsync('rejects', '--discard', '4711')).toMatchObject({ code: 2 });
  });

  test('a list says whether there is more', () => {
    const table = (rows: readonly number[]) => rows.join();
    expect(listed([], 2, 'open reject', table)).toBe('no open rejects');
    expect(listed([1], 2, 'open reject', table)).toBe('1\n1 open reject');
    expect(listed([1, 2, 3], 2, 'open reject', table)).toBe('1,2\n2 open rejects; there are more: --limit 20');
  });

  test('a redrive says on what it works, and by its exit code whether anything is left', async () => {
    const [dry, left, lost] = await Promise.all([
      sfsync('redrive', 'rejects', '--dry-run', '--id', '1', '001000000000002'),
      sfsync('redrive', 'rejects', '--dry-run', '--id', '4'),
      sfsync('redrive', 'events', '--stack', 'other'),
    ]);
    const { endpoint } = stack.running.client;
    expect(dry).toEqual({
      code: 0,
      out: 'Account: 2 records would be taken up again\n',
      err: `on the local run at ${endpoint}, stack sfsync\n`,
    });
    expect(left.code).toBe(1);
    expect(lost).toMatchObject({ code: 2, err: expect.stringContaining('There is no stack other in this account') });
    expect(lost.err.trim().split('\n')).toHaveLength(2);
  });

  test('resources are found by the outputs of the stack, and usage is printed', async () => {
    const [changes, events, unknown] = await Promise.all([
      sfsync('redrive', 'changes'),
      sfsync('redrive', 'events'),
      sfsync('redrive', 'changes', '--object', 'Nothing'),
    ]);
    expect(changes.out).toBe('Account: no dead letters\nContact: no dead letters\nOpportunity: no dead letters\n');
    expect(events.out).toBe('every event and notice was delivered\n');
    expect([changes.code, events.code]).toEqual([0, 0]);
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('Allowed choices are Account, Contact') });
  });
});
