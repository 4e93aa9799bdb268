import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeDrift, findDrift, type OrgSource } from '../../../cli/check/drift.ts';
import { findSalesforce, isSalesforceKnown } from '../../../cli/salesforce.ts';
import { RetryableError } from '../../../core/errors.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { type StartedOrg, startedOrg } from '../../../packages/salesforce-simulator/test/started-org.ts';
import { createLenderDatabase, type LenderDatabase } from '../../support/postgres/lender-database.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
let lender: LenderDatabase;
let org: StartedOrg;
beforeAll(async () => {
  [lender, org] = await Promise.all([createLenderDatabase(), startedOrg()]);
});
afterAll(async () => {
  await org?.[Symbol.asyncDispose]();
  await lender?.[Symbol.asyncDispose]();
});

const ours: OrgSource = async () => org.connection;

async function drift(source: OrgSource): Promise<string[]> {
  return describeDrift(await findDrift(lender.application, source, configuration, lender.database.name));
}

test('the sample fits its own tables and its own org', async () => {
  expect(await drift(ours)).toEqual([]);
});

test('what has changed on either side is listed with the change to make, and each thing once', async () => {
  await lender.application.query('alter table borrowers rename phone to telephone');
  await lender.application.query('alter table lenders alter website type varchar(40)');
  await lender.application.query('alter table loan_applications alter amount type text');
  await org.faults({ hiddenField: [{ object: 'Contact', field: 'Email' }] });
  try {
    expect(await drift(ours)).toEqual([
      '! Contact: column public.borrowers.phone does not exist; add it, or correct sync.config.ts',
      expect.stringMatching(/^! public\.loan_applications\.amount: is of type text; Amount is mapped as number/),
      expect.stringMatching(/^- Account\.Website: takes 255 characters in Salesforce, public\.lenders\.website 40/),
      expect.stringMatching(/^! Contact\.Email: Salesforce does not show it/),
    ]);
    expect(await drift(undefined)).toHaveLength(2);
  } finally {
    await org.faults({ hiddenField: null });
    await lender.application.query('alter table borrowers rename telephone to phone');
    await lender.application.query('alter table lenders alter website type text');
    await lender.application.query('alter table loan_applications alter amount type numeric using amount::numeric');
  }
});

test('a field that the pipelines have left out is listed also where the org is not asked', async () => {
  await lender.application.query(
    `insert into sfsync.drift (object, field, seen_by) values ('Contact', 'Email', 'test')`,
  );
  expect(await drift(undefined)).toEqual([
    expect.stringMatching(/^! Contact\.Email: Salesforce has not shown it since 2/),
  ]);
  expect(await drift(ours)).toEqual([]);
  await lender.application.query('update sfsync.drift set closed_at = now()');
  expect(await drift(undefined)).toEqual([]);
});

test('a field that was left out for its type is listed with the change to make', async () => {
  await lender.application.query(
    `insert into sfsync.drift (object, field, seen_by, change) values ('Contact', 'Birthdate', 'test', 'is a string now')
     on conflict (object, field) do update set change = excluded.change, closed_at = null`,
  );
  expect(await drift(undefined)).toEqual([
    expect.stringMatching(/^! Contact\.Birthdate: is a string now, or give the field its type back; .* since 2/),
  ]);
  await lender.application.query('update sfsync.drift set closed_at = now()');
});

test('a column that came back and does not take its values is listed', async () => {
  await lender.application.query(
    `insert into sfsync.mapped_column (object, field, table_oid, vanished_at, refused_at)
     values ('Contact', 'Email', 'borrowers'::regclass, now(), now())`,
  );
  expect(await drift(ours)).toEqual([
    expect.stringMatching(
      /^! Contact\.Email: its column is there again and has refused, last at 2.*make the column as it was/,
    ),
  ]);
  await lender.application.query('truncate sfsync.mapped_column');
  expect(await drift(ours)).toEqual([]);
});

test('an org that is away is one finding among the others', async () => {
  const away = () => Promise.reject(new RetryableError('ECONNREFUSED', 'Salesforce answered ECONNREFUSED.'));
  expect(await drift(away)).toEqual(['! Salesforce could not be looked at: Salesforce answered ECONNREFUSED.']);
});

test('sfsync check looks at the org that is named, and says when none is', async () => {
  const { instanceUrl, clientId, clientSecret } = org.simulator;
  const credentials = {
    SALESFORCE_INSTANCE_URL: instanceUrl,
    SALESFORCE_CLIENT_ID: clientId,
    SALESFORCE_CLIENT_SECRET: clientSecret,
  };
  const check = (env: Readonly<Record<string, string>>) => {
    const { promise, resolve } = Promise.withResolvers<{ code: unknown; out: string }>();
    const args = [
      'cli/sfsync.ts',
      '--config',
      'examples/lender/sync.config.ts',
      'check',
      '--no-endpoints',
      '--slot',
      lender.database.name,
    ];
    const options = { cwd: ROOT, env: { PATH: process.env.PATH, DATABASE_URL: lender.database.url, ...env } };
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], options, (error, out) =>
      resolve({ code: error?.code ?? 0, out }),
    );
    return promise;
  };
  const unnamed = await check({});
  expect(unnamed.out).toContain('Salesforce was not looked at');
  await org.faults({ hiddenField: { object: 'Contact', field: 'Email' } });
  const named = await check(credentials);
  await org.faults({ hiddenField: null });
  expect(named).toMatchObject({
    code: 1,
    out: expect.stringContaining('! Contact.Email: Salesforce does not show it'),
  });
  expect(named.out).not.toContain('Salesforce was not looked at');
});

test('an org is known by any part of its name, so that a typing error is no silence', async () => {
  const account = { name: '', aws: {}, databaseUrl: undefined, salesforce: undefined };
  const local = { ...account, salesforce: { instanceUrl: 'http://127.0.0.1:1', clientId: 'c', clientSecret: 's' } };
  expect(isSalesforceKnown(account, {}, {})).toBe(false);
  expect(isSalesforceKnown(account, { salesforceSecret: '' }, { SALESFORCE_CLIENT_ID: '' })).toBe(false);
  expect(isSalesforceKnown(local, {}, {})).toBe(true);
  expect(isSalesforceKnown(account, { salesforceSecret: 'arn' }, {})).toBe(true);
  expect(isSalesforceKnown(account, {}, { SALESFORCE_CLIENT_ID: 'x' })).toBe(true);
  await expect(findSalesforce(account, {}, { SALESFORCE_CLIENT_ID: 'x' })).rejects.toMatchObject({
    code: 'NO_SALESFORCE',
    message: expect.stringMatching(/SALESFORCE_INSTANCE_URL, SALESFORCE_CLIENT_SECRET/),
  });
});
