import { inUtc, isDay, looksLikeInstant } from '../instant.ts';
import type { FieldType } from './field-type.ts';

/** Days without a zone, 'YYYY-MM-DD'. Of an instant, the day as it is spelled. */
export const date = {
  name: 'date',

  blank: null,
  canonical: (text) => {
    const day = looksLikeInstant(text) ? text.slice(0, 10) : text;
    return isDay(day) ? day : undefined;
  },

  describedTypes: ['date'],
  readsOtherTypes: false,
  appflowType: 'date',
  toSalesforce: (value) => value,
  toCsv: String,

  columnTypes: ['date'],
  columnHolds: {},
  instead: {
    timestamp: "say in which zone its day counts: date('column', { dayIn: 'UTC' })",
    timestamptz: "say in which zone its day counts: date('column', { dayIn: 'UTC' })",
  },
  takesEnums: false,
  isExact: ({ type }) => ['date', 'timestamptz', 'timestamp', 'text', 'varchar'].includes(type),
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: inUtc,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  matching: (column) => ({ value: column, type: 'date' }),
  narrowness: () => undefined,
} as const satisfies FieldType;
