import { formatInstant, inUtc, isDay, looksLikeInstant, parseInstant } from '../instant.ts';
import type { FieldType } from './field-type.ts';

/** In UTC and a time of the day: nothing has to be computed. */
const PLAIN_DATETIME = /^(\d{4}-\d{2}-\d{2})[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d+)?(?:Z|[+-]00(?::?00)?)$/;

/** Instants, 'YYYY-MM-DDThh:mm:ssZ', cut to the second: Salesforce keeps no more. */
export const datetime = {
  name: 'datetime',

  blank: null,
  canonical: (text) => {
    const plain = PLAIN_DATETIME.exec(text);
    if (plain !== null && isDay(plain[1] ?? '')) return `${plain[1]}T${plain[2]}Z`;
    const instant = parseInstant(text);
    if (instant === undefined) return undefined;
    const value = formatInstant(instant);
    // The offset may lead out of the years that have four digits.
    return looksLikeInstant(value) ? value : undefined;
  },

  describedTypes: ['datetime'],
  readsOtherTypes: false,
  appflowType: 'datetime',
  toSalesforce: (value) => value,
  toCsv: String,

  columnTypes: ['timestamptz', 'timestamp'],
  columnHolds: {},
  instead: { date: 'map it as date, if the field in Salesforce is one; a datetime needs timestamptz' },
  takesEnums: false,
  isExact: ({ type }) => ['timestamptz', 'timestamp', 'text', 'varchar'].includes(type),
  columnForm: 'scalar',
  columnText: (column) => `${column}::text`,
  spelledInColumn: inUtc,
  toPostgres: (value) => value,
  toPostgresJson: (value) => value,
  matching: (column) => ({ value: `date_trunc('second', ${column})`, type: 'timestamptz' }),
  narrowness: () => undefined,
} as const satisfies FieldType;
