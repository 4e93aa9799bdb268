import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addressTable } from '../../../local/terminal/addresses.ts';

test('the address of the database can be read by the command that is shown for it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sfsync-addresses-'));
  try {
    const url = 'postgres://lender:secret@127.0.0.1:5433/lender';
    const aws = { endpoint: 'http://127.0.0.1:4566', region: 'r', accessKeyId: 'k', secretAccessKey: 's' };
    const salesforce = { instanceUrl: 'http://127.0.0.1:8800', accessToken: 't', clientId: 'c', clientSecret: 's' };
    const endpoints = { aws, postgres: { url }, salesforce, resources: {} };
    mkdirSync(join(directory, '.local'));
    writeFileSync(join(directory, '.local/endpoints.json'), JSON.stringify(endpoints));
    const command = /\$\((node -p ".*?")\)/.exec(addressTable(endpoints, '.local', false))?.[1] ?? '';
    expect(execFileSync('sh', ['-c', command], { cwd: directory, encoding: 'utf8' }).trim()).toBe(url);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
