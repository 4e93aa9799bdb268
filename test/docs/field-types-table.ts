/** The table of docs/field-types.md: what becomes of each type of column with each type of field, from the field types themselves. */
import { insteadOf } from '../../core/mapping/field-types/column-fault.ts';
import { dayIn } from '../../core/mapping/field-types/day-in.ts';
import type { ColumnShape, FieldType } from '../../core/mapping/field-types/field-type.ts';
import { FIELD_TYPES, fitsColumn } from '../../core/mapping/field-types/field-types.ts';
import { inZone } from '../../core/mapping/field-types/in-zone.ts';

export interface ListedColumn {
  /** As the table of the document shows it, and SQL makes such a column. */
  readonly sql: string;
  /** The type in `columnHolds`. */
  readonly name: string;
  readonly shape: Omit<ColumnShape, 'modifier'>;
}

const plain = (sql: string, type: string, name = type): ListedColumn => ({ sql, name, shape: { type, kind: 'b' } });

export const COLUMNS: readonly ListedColumn[] = [
  plain('text', 'text'),
  plain('varchar', 'varchar'),
  plain('varchar(8)', 'varchar', 'varchar(n)'),
  plain('char(8)', 'bpchar', 'bpchar(n)'),
  plain('citext', 'citext'),
  { sql: 'mood', name: 'enum', shape: { type: 'mood', kind: 'e' } },
  plain('uuid', 'uuid'),
  plain('smallint', 'int2'),
  plain('integer', 'int4'),
  plain('bigint', 'int8'),
  plain('numeric', 'numeric'),
  plain('numeric(12,2)', 'numeric', 'numeric(p,s)'),
  plain('real', 'float4'),
  plain('double precision', 'float8'),
  plain('money', 'money'),
  plain('boolean', 'bool'),
  plain('date', 'date'),
  plain('timestamp', 'timestamp'),
  plain('timestamptz', 'timestamptz'),
  plain('time', 'time'),
  plain('time(0)', 'time', 'time(n)'),
  plain('timetz', 'timetz'),
  plain('interval', 'interval'),
  plain('text[]', '_text'),
  plain('varchar(8)[]', '_varchar', '_varchar(n)'),
  { sql: 'mood[]', name: '_enum', shape: { type: '_mood', kind: 'b', elementKind: 'e' } },
  plain('integer[]', '_int4'),
  plain('jsonb', 'jsonb'),
  plain('json', 'json'),
  plain('bytea', 'bytea'),
];

export const FIELDS: readonly { readonly shown: string; readonly type: FieldType }[] = [
  { shown: 'text', type: FIELD_TYPES.text },
  { shown: 'number', type: FIELD_TYPES.number },
  { shown: 'boolean', type: FIELD_TYPES.boolean },
  { shown: 'date', type: FIELD_TYPES.date },
  { shown: 'date, dayIn', type: dayIn('UTC', 'UTC') },
  { shown: 'datetime', type: FIELD_TYPES.datetime },
  { shown: 'datetime, zone', type: inZone('Europe/Berlin') },
  { shown: 'time', type: FIELD_TYPES.time },
  { shown: 'multipicklist', type: FIELD_TYPES.multipicklist },
];

/** Of a column of a domain, what is said of the type that it is made of. */
const SHOWN: Readonly<Record<string, string>> = {
  'varchar(8)': '`varchar(n)`',
  'char(8)': '`char(n)`',
  mood: 'an enum',
  'numeric(12,2)': '`numeric(p,s)`',
  'time(0)': '`time(n)`, n < 3',
  'varchar(8)[]': '`varchar(n)[]`',
  'mood[]': 'an array of an enum',
};

export function columnTypesTable(): string {
  const notes: string[] = [];
  const noted = (text: string | undefined) => {
    if (text === undefined) return '';
    if (!notes.includes(text)) notes.push(text);
    return ` (${notes.indexOf(text) + 1})`;
  };
  const cell = (type: FieldType, { shape, name }: ListedColumn) => {
    if (fitsColumn(type, shape)) return `yes${noted(type.columnHolds[name])}`;
    const instead = noted(insteadOf(type, { type: shape.type, name: 'column' }));
    return instead === '' ? '' : `no${instead}`;
  };
  const rows = COLUMNS.map((column) => [
    SHOWN[column.sql] ?? `\`${column.sql}\``,
    ...FIELDS.map(({ type }) => cell(type, column)),
  ]);
  const lines = [['column', ...FIELDS.map(({ shown }) => shown)], ['---', ...FIELDS.map(() => '---')], ...rows];
  const list = notes.map((text, i) => `${i + 1}. ${text}`);
  return [...lines.map((line) => `| ${line.join(' | ')} |`), '', ...list].join('\n');
}

const [BEGIN, END] = ['<!-- table -->', '<!-- end of the table -->'];

/** The document with the table as it is now. */
export function withTable(document: string): string {
  const [before, after] = [document.split(BEGIN)[0], document.split(END)[1]];
  if (before === undefined || after === undefined) throw new Error(`the document lacks ${BEGIN} or ${END}`);
  return `${before}${BEGIN}\n\n${columnTypesTable()}\n\n${END}${after}`;
}
