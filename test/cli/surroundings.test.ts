import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectIds } from '../../cli/redrive/command.ts';
import { databaseOf, findDatabase, findSurroundings } from '../../cli/surroundings.ts';
import { progressBar } from '../../cli/terminal.ts';
import { writeEndpoints } from '../../local/endpoints.ts';

const LOCAL_URL = 'postgres://local@127.0.0.1:5499/lender';
let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'sfsync-cli-'));
});
afterEach(() => rm(project, { recursive: true, force: true }));

async function localRun(directory = join(project, '.local')): Promise<string> {
  await mkdir(directory, { recursive: true });
  writeEndpoints(directory, {
    aws: { endpoint: 'http://127.0.0.1:4566', region: 'us-east-1', accessKeyId: 'k', secretAccessKey: 's' },
    postgres: { url: LOCAL_URL },
    salesforce: { instanceUrl: 'http://127.0.0.1:8800', accessToken: 't', clientId: 'c', clientSecret: 's' },
    resources: {},
  });
  return join(directory, 'endpoints.json');
}

const LOCAL = {
  name: 'the local run at http://127.0.0.1:4566',
  aws: {
    endpoint: 'http://127.0.0.1:4566',
    region: 'us-east-1',
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  },
  databaseUrl: LOCAL_URL,
  salesforce: { instanceUrl: 'http://127.0.0.1:8800', clientId: 'c', clientSecret: 's' },
};

describe('a command works on', () => {
  test('the local run whose file lies in the working directory, also when its own database is named', async () => {
    await localRun();
    expect(await findSurroundings({}, project)).toEqual(LOCAL);
    expect(await findSurroundings({ databaseUrl: '', region: 'eu-west-1' }, project)).toEqual(LOCAL);
    expect(await findSurroundings({ databaseUrl: LOCAL_URL }, project)).toEqual(LOCAL);
  });

  test('the account when another database is named, for the two belong together', async () => {
    await localRun();
    const databaseUrl = 'postgres://prod@db:5432/lender';
    expect(await findSurroundings({ databaseUrl, region: 'eu-west-1' }, project)).toEqual({
      name: 'the AWS account in eu-west-1',
      aws: { region: 'eu-west-1' },
      databaseUrl,
    });
  });

  test('the account when the local run is not wanted, or not there', async () => {
    const account = { name: 'the AWS account', aws: {}, databaseUrl: undefined };
    expect(await findSurroundings({}, project)).toEqual(account);
    await localRun();
    expect(await findSurroundings({ endpoints: false }, project)).toEqual(account);
  });

  test('the local run that is named, whatever the environment says of databases', async () => {
    const endpoints = await localRun(join(project, 'elsewhere'));
    expect(await findSurroundings({ endpoints, databaseUrl: 'postgres://prod@db:5432/x' }, project)).toEqual(LOCAL);
    expect(await findDatabase({ endpoints: 'elsewhere/endpoints.json' }, project)).toBe(LOCAL_URL);
  });
});

test('faults say what to do', async () => {
  await expect(findSurroundings({ endpoints: 'none.json' }, project)).rejects.toThrow(
    /^There is no \S+none\.json: is the local run up/,
  );
  await mkdir(join(project, '.local'));
  await writeFile(join(project, '.local/endpoints.json'), '{"aws": {"endpoint": "x"}}');
  await expect(findSurroundings({}, project)).rejects.toThrow(/at fault: aws\.endpoint, aws\.region.*--no-endpoints/);
  await writeFile(join(project, '.local/endpoints.json'), 'not JSON');
  await expect(findSurroundings({}, project)).rejects.toThrow(/is not what `npm start` writes/);
  expect(() => databaseOf({ name: '', aws: {}, databaseUrl: undefined, salesforce: undefined })).toThrow(
    '--database-url',
  );
});

test('--id takes numbers of rejects and Salesforce ids', () => {
  const ids = ['12', '001000000000001', '001000000000002AAA'].reduce(
    (before: ReturnType<typeof collectIds> | undefined, text) => collectIds(text, before),
    undefined,
  );
  expect(ids).toEqual({ ids: ['12'], salesforceIds: ['001000000000001AAA', '001000000000002AAA'] });
  expect(() => collectIds('0')).toThrow('a Salesforce id');
  expect(() => collectIds("1' or true")).toThrow('a Salesforce id');
});

test('a progress bar fills up, whatever approximate numbers it is given', () => {
  expect(progressBar(0, 10)).toBe(`[${' '.repeat(24)}] 0 %`);
  expect(progressBar(5, 10)).toBe(`[${'#'.repeat(12)}${' '.repeat(12)}] 50 %`);
  expect(progressBar(11, 10)).toBe(`[${'#'.repeat(24)}] 100 %`);
  expect(progressBar(0, 0)).toContain('100 %');
});
