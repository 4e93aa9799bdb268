/** The reject of a record that the database refuses: the field and the constraint by name, and never a value. */
import { type Reject, rejectOf } from '../core/contracts/rejects.ts';
import type { RejectedRecordError } from '../core/errors.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { storedFields } from '../core/mapping/lookups.ts';
import { RowRefusedError } from '../postgres/session/server-errors.ts';

/** `line`: of the file that the record came in. */
export function rejectOfRow(
  mapping: ObjectMapping,
  id: string | undefined,
  error: RejectedRecordError,
  line?: number,
): Reject {
  const { column, constraint } = error instanceof RowRefusedError ? error.server : {};
  const field = error.field ?? storedFields(mapping).find((each) => each.column === column)?.field;
  return rejectOf({ id, code: error.code, reason: error.message, field, constraint }, line);
}
