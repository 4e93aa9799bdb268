import { expect, test } from 'vitest';
import { counted, formatDuration, formatLine, type Line } from '../../../local/terminal/line.ts';

const line: Line = {
  at: Date.UTC(2026, 0, 1, 12, 0, 0),
  direction: 'salesforce-to-postgres',
  object: 'Contact',
  what: 'flow run',
  detail: '2 records',
  durationMs: 1_250,
  tone: 'good',
};

test('a line is in columns, and has no escapes unless it is coloured', () => {
  expect(formatLine(line, false)).toMatch(/^\d\d:\d\d:\d\d {2}SF → PG {2}Contact {6}flow run {11}2 records {2}1\.3 s$/);
  // Without detail and duration nothing hangs over.
  expect(formatLine({ ...line, detail: '', durationMs: undefined }, false)).toMatch(/flow run$/);
  expect(formatLine(line, true)).toContain('\u001b[32m');
});

test.each([
  [12.4, '12 ms'],
  [1_250, '1.3 s'],
  [125_000, '2 min 5 s'],
])('%d ms is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('one is not many', () => {
  expect([counted(0, 'record'), counted(1, 'record'), counted(2, 'record')]).toEqual([
    '0 records',
    '1 record',
    '2 records',
  ]);
});
