/** Rejects: records and rows that one side does not take, with the reason, as steps find them. */
import type { z } from 'zod';
import type { RejectedRecordError } from '../errors.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { MAX_NAMED_RECORDS, type ReasonCount, type readLine } from './inbound-tasks.ts';

export interface Reject {
  /** undefined where the line of a file does not name it. */
  readonly salesforceId: string | undefined;
  readonly rowKey: string | undefined;
  readonly field: string | undefined;
  /** The constraint of the database that refused it, by name. */
  readonly constraint?: string | undefined;
  readonly code: string;
  readonly reason: string;
  /** The value at fault, for the list in the database: it is told nowhere. */
  readonly value?: string | undefined;
  readonly line: number | undefined;
  /** It is looked at again and again by itself, and reported once, while it stays listed. */
  readonly isTriedAgain?: boolean;
}

/** A reject from what was found; most know neither the row nor a line. */
export function rejectOf(
  {
    id,
    code,
    reason,
    field,
    constraint,
    value,
  }: {
    id?: string | undefined;
    code: string;
    reason: string;
    field?: string | undefined;
    constraint?: string | undefined;
    value?: string | undefined;
  },
  line?: number,
): Reject {
  return {
    salesforceId: id,
    rowKey: undefined,
    field,
    constraint,
    code,
    reason,
    line,
    ...(value !== undefined && { value }),
  };
}

/** Codes of values that sync.config.ts has nothing for: these are kept with their rejects. */
export const CONVERSION_CODES: readonly string[] = ['VALUE_NOT_MAPPED', 'VALUE_NOT_CONVERTED'];

/** The value of the version for which the record is rejected; undefined: it is not for a value's sake that is kept. */
export function valueAtFault({ fields }: SalesforceVersion, { code, field }: RejectedRecordError): string | undefined {
  const value = field === undefined || !CONVERSION_CODES.includes(code) ? undefined : fields[field];
  return value === undefined || value === null ? undefined : String(value);
}

/** A record that a fresh read does not find was purged, or is hidden from our user: never a reason to delete a row. */
export const NOT_VISIBLE = {
  code: 'NOT_VISIBLE',
  reason: 'The record is neither live nor in the recycle bin, or the connected user may not see it.',
};

/** Codes of reads that show nothing of a record: its reject says nothing of what Salesforce does with ours. */
export const UNREAD_CODES = [
  NOT_VISIBLE.code,
  'UNREADABLE_LINE',
  'NO_STAMP',
  'UNREADABLE_VALUE',
  'UNSTORABLE_TEXT',
] as const;

/** Code of a parent's delete that waits for its children to go. */
export const CHILDREN_EXIST = 'CHILDREN_EXIST';

/** Rejects of the records that a fresh read did not find, or could not convert. */
export function rejectsOfReads(reads: readonly z.output<typeof readLine>[]): Reject[] {
  return reads.flatMap(({ id, version, rejected }) =>
    version === undefined ? [rejectOf({ ...NOT_VISIBLE, ...rejected, id })] : [],
  );
}

type Counted = Pick<Reject, 'code' | 'field'> & Partial<Pick<Reject, 'constraint' | 'salesforceId'>>;

/** Counts by code, field and constraint, with some of the records: what of rejects can be shown without a value. */
export function reasonCounts(rejects: readonly Counted[]): ReasonCount[] {
  const groups = Map.groupBy(rejects, ({ code, field, constraint }) => JSON.stringify([code, field, constraint]));
  return [...groups.values()]
    .map((group) => {
      const [first] = group;
      const { field, constraint } = first ?? {};
      const ids = [...new Set(group.flatMap(({ salesforceId }) => salesforceId ?? []))].slice(0, MAX_NAMED_RECORDS);
      return {
        code: first?.code ?? '',
        count: group.length,
        ...(field === undefined ? {} : { field }),
        ...(constraint === undefined ? {} : { constraint }),
        ...(ids.length === 0 ? {} : { ids }),
      };
    })
    .sort((a, b) => b.count - a.count);
}
