import type { ColumnShape, FieldType } from './field-type.ts';

/** Salesforce writes `10:11:12.345Z`, whose Z means nothing. */
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?Z?$/;

/** Times of the day without a zone, 'hh:mm:ss.sss'. Finer parts of a second than Salesforce keeps are cut. */
export const time = {
  name: 'time',

  blank: null,
  canonical: (text) => {
    const parts = TIME.exec(text);
    if (parts === null) return undefined;
    const [, hours, minutes, seconds = '00', fraction = ''] = parts;
    return `${hours}:${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  },

  describedTypes: ['time'],
  readsOtherTypes: false,
  appflowType: 'time',
  toSalesforce: (value) => `${value}Z`,
  toCsv: (value) => `${value}Z`,

  columnTypes: ['time'],
  columnHolds: { 'time(n)': 'cut to n digits of a second' },
  instead: { timetz: 'make the column time: a time of Salesforce has no zone' },
  takesEnums: false,
  isExact: ({ type, modifier }, value) =>
    (type === 'time' && (modifier === -1 || modifier >= 3 || String(value).endsWith('.000'))) || type === 'text',
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: (text) => text,
  toPostgres: cutFor,
  toPostgresJson: cutFor,
  matching: (column) => ({ value: column, type: 'time' }),
  narrowness: (_, { modifier = -1 }) => {
    if (modifier === -1 || modifier >= 3) return undefined;
    const inColumn = `keeps ${modifier} digits of a second`;
    return { inSalesforce: 'has milliseconds', inColumn, change: 'make the column time(3)' };
  },
} as const satisfies FieldType;

/** The column would round, and make 24:00 of the last moment of a day. */
function cutFor(value: string | boolean, shape: ColumnShape | undefined): string | boolean {
  if (shape?.type !== 'time' || shape.modifier === -1 || shape.modifier >= 3) return value;
  const seconds = 'hh:mm:ss'.length;
  return String(value).slice(0, shape.modifier === 0 ? seconds : seconds + 1 + shape.modifier);
}
