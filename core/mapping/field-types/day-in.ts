import { isDay, parseInstant } from '../instant.ts';
import { asInstant, instantOfLocal, localTime } from '../local-time.ts';
import { date } from './date.ts';
import type { ColumnShape, FieldType } from './field-type.ts';

const INSTANTS = ['timestamp', 'timestamptz'];

/**
 * Days whose column holds points in time: the day that it was then in a zone. A day is written as its beginning there; what a row holds
 * of that day stays. `zone`: that of the local times in a `timestamp` column.
 */
export function dayIn(day: string, zone: string): FieldType {
  const spelledInColumn = (text: string) => {
    const instant = parseInstant(asInstant(text, zone));
    return instant === undefined ? text : localTime(instant, day).slice(0, 'YYYY-MM-DD'.length);
  };
  const written = (value: string | boolean, shape: ColumnShape | undefined) => {
    const instant = instantOfLocal(`${value}T00:00:00`, day);
    if (instant === undefined || (shape !== undefined && !INSTANTS.includes(shape.type))) return value;
    return localTime(instant, zone);
  };
  return {
    ...date,
    meaning: { dayIn: day, zone },
    columnTypes: INSTANTS,
    columnHolds: {},
    instead: { date: 'remove dayIn: the column holds days' },
    isExact: (column, value) => {
      if (!INSTANTS.includes(column.type)) return date.isExact(column);
      const spelled = String(written(value, column));
      const local = spelled.slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
      return isDay(String(value)) && spelledInColumn(column.type === 'timestamp' ? local : spelled) === value;
    },
    spelledInColumn,
    toPostgres: written,
    toPostgresJson: written,
    matching: undefined,
  };
}
