import { expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { startCommand } from '../../../postgres/stream/start-command.ts';
import { quoted } from '../../support/postgres/quoted-lender.ts';

/** How wal2json reads a list of tables (`string_to_SelectTable`, `parse_table_identifier`): a backslash takes away what the next byte means. */
function readList(list: string): string[][] {
  const tables: string[][] = [];
  let parts = [''];
  const add = (text: string) => parts.push((parts.pop() ?? '') + text);
  for (let i = 0; i < list.length; i++) {
    const letter = list[i] ?? '';
    if (letter === '\\') add(list[++i] ?? '');
    else if (letter === '.') parts.push('');
    else if (letter === ',') {
      tables.push(parts);
      parts = [''];
    } else if (/[\s'*"]/.test(letter)) throw new Error(`wal2json reads ${letter} as something else`);
    else add(letter);
  }
  return [...tables, parts];
}

test('wal2json is told the tables as it reads them, whatever is in their names', () => {
  const { objects } = quoted(sample);
  const source = {
    database: {} as never,
    slot: 's',
    plugin: 'wal2json',
    names: DEFAULT_NAMES,
    mappings: objects,
  } as const;
  const [, text = ''] = /"add-tables" ('(?:[^']|'')*')/.exec(startCommand(source)) ?? [];
  const list = text.slice(1, -1).replaceAll("''", "'");
  expect(readList(list)).toEqual(objects.map(({ schema, table }) => [schema, table]));
});
