/** The columns of `sfsync.link`, between the table and core/agreement/link.ts. */

import type { Link, OpenPush } from '../../core/agreement/link.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { Delivery } from '../../core/mapping/configuration.ts';

/** A link with its place in the table. */
export interface StoredLink {
  readonly linkId: string;
  readonly link: Link;
}

/** A column that sfsync writes. */
export interface LinkColumn {
  readonly name: string;
  readonly type: 'text' | 'boolean' | 'bigint' | 'timestamptz' | 'json' | 'jsonb';
  readonly of: (link: Link) => string | boolean | number | object | undefined;
}

/** All but the key, which never changes, and `dirty_since`, which follows from `dirty`. */
export const LINK_COLUMNS: readonly LinkColumn[] = [
  { name: 'row_key', type: 'text', of: ({ rowKey }) => rowKey },
  { name: 'base', type: 'json', of: ({ base }) => base?.fields },
  { name: 'base_deleted', type: 'boolean', of: ({ base }) => base?.deleted },
  { name: 'high_water', type: 'timestamptz', of: ({ highWater }) => highWater },
  { name: 'revision', type: 'bigint', of: ({ revision }) => revision },
  { name: 'dirty', type: 'boolean', of: ({ dirty }) => dirty },
  { name: 'applied_at', type: 'timestamptz', of: ({ appliedAt }) => appliedAt },
  { name: 'reread_due', type: 'boolean', of: ({ rereadDue }) => rereadDue },
  { name: 'waiting', type: 'jsonb', of: ({ waiting }) => waiting },
  { name: 'push_id', type: 'text', of: ({ push }) => push?.id },
  { name: 'sent_at', type: 'timestamptz', of: ({ push }) => push?.sentAt },
  { name: 'push_delivery', type: 'text', of: ({ push }) => push?.delivery },
  { name: 'sent', type: 'jsonb', of: ({ push }) => push?.sent },
  { name: 'sent_deleted', type: 'boolean', of: ({ push }) => push?.sentDeleted },
  { name: 'seen', type: 'jsonb', of: ({ push }) => push?.seen },
  { name: 'refused', type: 'jsonb', of: ({ refused }) => refused.fields },
  { name: 'refused_deleted', type: 'boolean', of: ({ refused }) => refused.deleted },
  { name: 'was_inside', type: 'boolean', of: ({ wasInside }) => wasInside },
  { name: 'purge_due', type: 'boolean', of: ({ purgeDue }) => purgeDue },
  { name: 'delete_guard', type: 'text', of: ({ guard }) => guard },
];

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

/** What `storedLink` reads of `sfsync.link l`; instants in milliseconds. */
export const LINK_SELECTION = `l.id, salesforce_id, row_key, base, base_deleted, extract(epoch from high_water) * 1000 as high_water,
  revision, dirty, extract(epoch from applied_at) * 1000 as applied_at, reread_due, waiting, push_id,
  extract(epoch from sent_at) * 1000 as sent_at, push_delivery, sent, sent_deleted, seen, refused, refused_deleted, was_inside,
  purge_due, delete_guard`;

/** A row of `LINK_SELECTION` as the driver reads it: bigint and numeric as texts. */
export interface LinkRow {
  readonly id: string;
  readonly salesforce_id: string;
  readonly row_key: string | null;
  readonly base: FieldValues | null;
  readonly base_deleted: boolean | null;
  readonly high_water: string | null;
  readonly revision: string;
  readonly dirty: boolean;
  readonly applied_at: string | null;
  readonly reread_due: boolean;
  readonly waiting: Link['waiting'];
  readonly push_id: string | null;
  readonly sent_at: string | null;
  readonly push_delivery: Delivery | null;
  readonly sent: OpenPush['sent'] | null;
  readonly sent_deleted: boolean | null;
  readonly seen: OpenPush['seen'] | null;
  readonly refused: FieldValues;
  readonly refused_deleted: boolean | null;
  readonly was_inside: boolean;
  readonly purge_due: boolean;
  readonly delete_guard: 'held' | 'passed' | null;
}

export function storedLink(row: LinkRow): StoredLink {
  return {
    linkId: row.id,
    link: {
      salesforceId: row.salesforce_id,
      rowKey: row.row_key ?? undefined,
      base: row.base === null ? undefined : { fields: row.base, deleted: row.base_deleted === true },
      highWater: milliseconds(row.high_water),
      revision: Number(row.revision),
      dirty: row.dirty,
      appliedAt: milliseconds(row.applied_at),
      rereadDue: row.reread_due,
      waiting: row.waiting,
      push: openPush(row),
      refused: { fields: row.refused, deleted: row.refused_deleted ?? undefined },
      wasInside: row.was_inside,
      purgeDue: row.purge_due,
      guard: row.delete_guard ?? undefined,
    },
  };
}

function openPush(row: LinkRow): OpenPush | undefined {
  if (row.push_id === null) return undefined;
  return {
    id: row.push_id,
    sentAt: milliseconds(row.sent_at) ?? 0,
    delivery: row.push_delivery ?? 'api',
    sent: row.sent ?? {},
    sentDeleted: row.sent_deleted ?? undefined,
    seen: row.seen ?? {},
  };
}

function milliseconds(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}
