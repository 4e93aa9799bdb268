/** Only postgres/ledger/ writes schema `sfsync`: what changes a link, and why, is found in one folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = [
  'core',
  'steps',
  'postgres',
  'salesforce',
  'aws',
  'functions',
  'wal-streamer',
  'infra',
  'cli',
  'local',
];

const WRITES =
  /(insert\s+into|update|delete\s+from|copy|truncate(\s+table)?|merge\s+into|alter\s+table)\s+(only\s+)?sfsync\.\w+/gi;
const COPIES = /copyRows\(\s*\w+,\s*['"`]sfsync\.\w+/g;

/** Migrations are noted with the simple query that makes them, which may not be split. */
const EXCEPTIONS = [['postgres/prepare/migrations.ts', 'insert into sfsync.migration']];

const sources = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`),
).map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);

const isLedger = (file: string) => file.startsWith('postgres/ledger/');

test('no statement outside of postgres/ledger/ writes schema sfsync', () => {
  expect(sources.length).toBeGreaterThan(200);
  const found = sources
    .filter(([file]) => !isLedger(file))
    .flatMap(([file, source]) =>
      [WRITES, COPIES].flatMap((pattern) => [...source.matchAll(pattern)].map(([text]) => [file, text])),
    );
  expect(found).toEqual(EXCEPTIONS);
});

test('the statements of postgres/ledger/ are what is looked for', () => {
  const ledger = sources.filter(([file]) => isLedger(file)).map(([, source]) => source);
  const written = ledger.flatMap((source) => [...source.matchAll(WRITES)].map(([text]) => text.replace(/\s+/g, ' ')));
  for (const text of ['update sfsync.link', 'insert into sfsync.insertion', 'delete from sfsync.tombstone']) {
    expect(written).toContain(text);
  }
  expect(ledger.some((source) => source.match(COPIES))).toBe(true);
});

test('since when a record is due is written where links and insertions are saved, marked and noted as due', () => {
  const files = sources.filter(([, source]) => source.includes('dirty_since')).map(([file]) => file);
  expect(files.sort()).toEqual([
    'postgres/ledger/insertions.ts',
    'postgres/ledger/link-columns.ts',
    'postgres/ledger/links.ts',
    'postgres/ledger/mark-due.ts',
    'postgres/ledger/note-due.ts',
  ]);
});
