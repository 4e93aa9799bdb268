import { parseInstant } from '../instant.ts';
import { asInstant, instantOfLocal, localTime, UTC } from '../local-time.ts';
import { datetime } from './datetime.ts';
import type { FieldType } from './field-type.ts';

/** Datetimes whose `timestamp` column holds local times of a zone. A column that has a zone of its own is read by that. */
export function inZone(zone: string): FieldType {
  if (zone === UTC) return datetime;
  const spelledInColumn = (text: string) => asInstant(text, zone);
  const written = (value: string | boolean) => {
    const instant = parseInstant(String(value));
    return instant === undefined ? value : localTime(instant, zone);
  };
  return {
    ...datetime,
    meaning: { zone },
    columnHolds: { ...datetime.columnHolds, timestamp: `local times of ${zone}, and none twice` },
    // Of two instants with one local time, the column holds the first.
    isExact: (column, value) => {
      if (column.type !== 'timestamp') return datetime.isExact(column);
      const instant = parseInstant(String(value));
      const local = String(written(value)).slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
      return instant !== undefined && instantOfLocal(local, zone) === instant;
    },
    spelledInColumn,
    toPostgres: written,
    toPostgresJson: written,
    // Its index would have to be on an expression of the zone.
    matching: undefined,
  };
}
