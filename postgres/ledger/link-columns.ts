/** The columns of `sfsync.link`, each listed once, between the table and core/agreement/link.ts. */
import type { Link, OpenPush } from '../../core/agreement/link.ts';
import { isIdle, newLink } from '../../core/agreement/link.ts';
import { namedRecords } from '../../core/agreement/references.ts';
import { isNothing, NOTHING_WRITTEN } from '../../core/agreement/written.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';

/** A link with its place in the table. */
export interface StoredLink {
  readonly linkId: string;
  readonly link: Link;
}

/** A column that sfsync writes. */
export interface LinkColumn {
  readonly name: string;
  readonly type: 'text' | 'boolean' | 'integer' | 'bigint' | 'timestamptz' | 'json' | 'jsonb';
  readonly of: (link: Link) => string | boolean | number | object | undefined;
}

/** A member of Link: its columns, and how it is read from their cells, which begin at `first`. */
interface LinkPart<Value> {
  readonly columns: readonly LinkColumn[];
  readonly read: (cells: readonly unknown[], first: number) => Value;
}

type Member = Exclude<keyof Link, 'salesforceId'>;

/** All but the key, which never changes. A member of Link that has no entry does not compile. */
const PARTS: { readonly [Each in Member]: LinkPart<Link[Each]> } = {
  rowKey: {
    columns: [{ name: 'row_key', type: 'text', of: ({ rowKey }) => rowKey }],
    read: (cells, at) => kept<string>(cells[at]),
  },
  base: {
    columns: [
      { name: 'base', type: 'json', of: ({ base }) => base?.fields },
      { name: 'base_deleted', type: 'boolean', of: ({ base }) => base?.deleted },
      // By which the children of a parent are found; it follows from the base, and is not read.
      { name: 'named', type: 'jsonb', of: namedRecords },
    ],
    read(cells, at) {
      const fields = kept<FieldValues>(cells[at]);
      return fields && { fields, deleted: cells[at + 1] === true };
    },
  },
  highWater: {
    columns: [{ name: 'high_water', type: 'timestamptz', of: ({ highWater }) => highWater }],
    read: (cells, at) => number(cells[at]),
  },
  revision: {
    columns: [{ name: 'revision', type: 'bigint', of: ({ revision }) => revision }],
    read: (cells, at) => Number(cells[at]),
  },
  dirty: {
    columns: [{ name: 'dirty', type: 'boolean', of: ({ dirty }) => dirty }],
    read: (cells, at) => cells[at] === true,
  },
  appliedAt: {
    columns: [{ name: 'applied_at', type: 'timestamptz', of: ({ appliedAt }) => appliedAt }],
    read: (cells, at) => number(cells[at]),
  },
  rereadDue: {
    columns: [{ name: 'reread_due', type: 'boolean', of: ({ rereadDue }) => rereadDue }],
    read: (cells, at) => cells[at] === true,
  },
  waiting: {
    columns: [{ name: 'waiting', type: 'jsonb', of: ({ waiting }) => waiting }],
    read: (cells, at) => kept<Link['waiting']>(cells[at]) ?? {},
  },
  push: {
    columns: [
      { name: 'push_id', type: 'text', of: ({ push }) => push?.id },
      { name: 'sent_at', type: 'timestamptz', of: ({ push }) => push?.sentAt },
      { name: 'push_delivery', type: 'text', of: ({ push }) => push?.delivery },
      { name: 'sent', type: 'jsonb', of: ({ push }) => push?.sent },
      { name: 'sent_deleted', type: 'boolean', of: ({ push }) => push?.sentDeleted },
      { name: 'seen', type: 'jsonb', of: ({ push }) => push?.seen },
    ],
    read(cells, at) {
      const id = kept<string>(cells[at]);
      if (id === undefined) return undefined;
      return {
        id,
        sentAt: number(cells[at + 1]) ?? 0,
        delivery: kept<OpenPush['delivery']>(cells[at + 2]) ?? 'api',
        sent: kept<OpenPush['sent']>(cells[at + 3]) ?? {},
        sentDeleted: kept<boolean>(cells[at + 4]),
        seen: kept<OpenPush['seen']>(cells[at + 5]) ?? {},
      };
    },
  },
  refused: {
    columns: [
      { name: 'refused', type: 'jsonb', of: ({ refused }) => refused.fields },
      { name: 'refused_deleted', type: 'boolean', of: ({ refused }) => refused.deleted },
    ],
    read: (cells, at) => ({ fields: kept<FieldValues>(cells[at]) ?? {}, deleted: kept<boolean>(cells[at + 1]) }),
  },
  inexact: {
    columns: [{ name: 'inexact', type: 'jsonb', of: ({ inexact }) => inexact }],
    read: (cells, at) => kept<Link['inexact']>(cells[at]) ?? {},
  },
  written: {
    columns: [{ name: 'written', type: 'jsonb', of: ({ written }) => (isNothing(written) ? undefined : written) }],
    read: (cells, at) => kept<Link['written']>(cells[at]) ?? NOTHING_WRITTEN,
  },
  wasInside: {
    columns: [{ name: 'was_inside', type: 'boolean', of: ({ wasInside }) => wasInside }],
    read: (cells, at) => cells[at] === true,
  },
  purgeDue: {
    columns: [{ name: 'purge_due', type: 'boolean', of: ({ purgeDue }) => purgeDue }],
    read: (cells, at) => cells[at] === true,
  },
  guard: {
    columns: [{ name: 'delete_guard', type: 'text', of: ({ guard }) => guard }],
    read: (cells, at) => kept<NonNullable<Link['guard']>>(cells[at]),
  },
  // What is due for nothing is not put off either, whichever rule has said so.
  dueAfter: {
    columns: [{ name: 'due_after', type: 'timestamptz', of: (link) => (isIdle(link) ? undefined : link.dueAfter) }],
    read: (cells, at) => number(cells[at]),
  },
  retries: {
    columns: [{ name: 'retries', type: 'integer', of: (link) => (isIdle(link) ? 0 : link.retries) }],
    read: (cells, at) => Number(cells[at]),
  },
};

/** What the driver has read of a column that only this file's `of` fills: null, or such a value. */
function kept<Value>(cell: unknown): Value | undefined {
  return cell === null ? undefined : (cell as Value);
}

/** The driver reads bigint and numeric as texts. */
function number(cell: unknown): number | undefined {
  return cell === null ? undefined : Number(cell);
}

const MEMBERS = Object.keys(PARTS) as readonly Member[];

/**
 * What is written of a link. Beside it the table has `dirty_since`, which follows from what a link is due for, and
 * `merged_into`.
 */
export const LINK_COLUMNS: readonly LinkColumn[] = MEMBERS.flatMap((member) => PARTS[member].columns);

/** What `storedLink` reads of `sfsync.link l`; instants in milliseconds. */
export const LINK_SELECTION = [
  'l.id',
  'l.salesforce_id',
  ...LINK_COLUMNS.map(({ name, type }) =>
    type === 'timestamptz' ? `extract(epoch from l.${name}) * 1000` : `l.${name}`,
  ),
].join(', ');

/** The cells of `LINK_SELECTION`, as the driver reads them. */
export type LinkCells = [id: string, salesforceId: string, ...unknown[]];

export function storedLink(cells: LinkCells): StoredLink {
  const [linkId, salesforceId] = cells;
  const link: Written = newLink(salesforceId, undefined);
  let first = 2;
  for (const member of MEMBERS) {
    readMember(link, member, cells, first);
    first += PARTS[member].columns.length;
  }
  return { linkId, link };
}

type Written = { -readonly [Each in keyof Link]: Link[Each] };

function readMember<Each extends Member>(link: Written, member: Each, cells: readonly unknown[], first: number): void {
  link[member] = PARTS[member].read(cells, first);
}

/** Whether both links have the same in the column. */
export function isSame({ of }: LinkColumn, one: Link, other: Link): boolean {
  const [a, b] = [of(one), of(other)];
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}

/** The column's value of a link in the text form of the column's type. */
export function columnText({ of, type }: LinkColumn, link: Link): string | boolean | number | null {
  const value = of(link);
  if (value === undefined) return null;
  if (typeof value === 'object') return JSON.stringify(value);
  return type === 'timestamptz' ? new Date(Number(value)).toISOString() : value;
}
