import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_QUIRKS } from '../../appflow/quirks.ts';
import { convertCell } from '../../appflow/runs/field-values.ts';
import { encodePage, joinFile } from '../../appflow/runs/output-file.ts';
import { readRows } from '../../appflow/runs/source-files.ts';

describe('a cell becomes what its destination type asks for', () => {
  test.each([
    ['string', '007', '"007"'],
    ['string', ' a "b"\n', '" a \\"b\\"\\n"'],
    ['double', '007', '7'],
    ['double', '-0.50', '-0.50'],
    ['currency', '+12345678901234567.89', '12345678901234567.89'],
    ['percent', '.5', '0.5'],
    ['int', ' 12 ', '12'],
    ['double', '1.5E3', '1.5E3'],
    ['double', '3.', '3'],
    ['double', '000', '0'],
    ['boolean', 'TRUE', 'true'],
    ['date', '2026-01-31', '"2026-01-31"'],
    ['datetime', '2026-01-31T12:00:00Z', '"2026-01-31T12:00:00Z"'],
    ['multipicklist', 'a;b', '"a;b"'],
  ])('%s: %j -> %s', (type, cell, json) => {
    const conversion = convertCell(cell, type, 'keep');
    expect(conversion).toMatchObject({ kind: 'value', value: { json } });
    expect(() => JSON.parse(json)).not.toThrow();
  });

  test.each([
    ['double', 'much'],
    ['double', '.'],
    ['double', 'e5'],
    ['double', '1,5'],
    ['int', '0x10'],
    ['boolean', 'yes'],
    ['boolean', '1'],
  ])('%s refuses %j without quoting it', (type, cell) => {
    const conversion = convertCell(cell, type, 'keep');
    if (conversion.kind !== 'fault') throw new Error('it was taken');
    expect(conversion.message).toMatch(/^the cell is/);
  });

  test('every number that JavaScript spells keeps its value', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const conversion = convertCell(String(number), 'double', 'keep');
        return conversion.kind === 'value' && Number(JSON.parse(conversion.value.json)) === number;
      }),
    );
  });
});

test('a CSV file that is written is read back as it was', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '😀', ';') });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.uuid(), cell, cell), { minLength: 1, maxLength: 5 }), async (rows) => {
      const header = ['Id', 'A', 'B'];
      const records = rows.map(([Id, A, B]) => ({ Id, A, B }));
      const page = encodePage(records, header, 'CSV', DEFAULT_QUIRKS);
      const read: unknown[] = [];
      const file = joinFile([page], header, 'CSV', DEFAULT_QUIRKS);
      for await (const { record } of readRows('file', file, 'CSV', header)) read.push(record);
      expect(read).toEqual(records);
    }),
  );
});
