import { expect, test } from 'vitest';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { readFileRecords } from '../../../steps/files/read.ts';

const mapping = mappingOf(configuration, 'Account');
const ID = '001000000000001AAA';

test('a CSV holds the same as JSON lines: quoted cells, line feeds, empty cells', () => {
  const csv = `Id,SystemModstamp,IsDeleted,Name,AnnualRevenue,Description\r\n${ID},2026-01-01T00:00:00.000Z,false,"Müller, ""Sons""",100.0,"two\r\nlines"\r\n`;
  const json = JSON.stringify({
    Id: ID,
    SystemModstamp: '2026-01-01T00:00:00.000+0000',
    IsDeleted: false,
    Name: 'Müller, "Sons"',
    AnnualRevenue: 100,
    Description: 'two\nlines',
  });
  const [fromCsv] = readFileRecords(mapping, csv);
  const [fromJson] = readFileRecords(mapping, json);
  expect(fromCsv?.record).toEqual(fromJson?.record);
  expect(fromCsv?.record.version?.fields.Name).toBe('Müller, "Sons"');
});

test('a broken line of a CSV is one record that cannot be used', () => {
  const csv = `Id,SystemModstamp,Name\n${ID},2026-01-01T00:00:00Z,A\n${ID},2026-01-01T00:00:00Z,A,B,C\n${ID},2026-01-01T00:00:00Z,D\n`;
  const records = readFileRecords(mapping, csv).map(({ line, record }) => [
    line,
    record.version?.fields.Name ?? record.unusable?.code,
  ]);
  expect(records.sort()).toEqual([
    [2, 'A'],
    [3, 'UNREADABLE_LINE'],
    [4, 'D'],
  ]);
});
