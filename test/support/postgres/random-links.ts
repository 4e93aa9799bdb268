/** Random links for property tests: every member of Link, and values that the text forms of COPY, arrays and JSON must bear. */
import fc from 'fast-check';
import type pg from 'pg';
import { NOT_PUT_OFF } from '../../../core/agreement/due.ts';
import { isIdle, type Link } from '../../../core/agreement/link.ts';
import { defineSync, mappingOf, text } from '../../../core/mapping/configuration.ts';
import { insertLinks, lockLinks, type StoredLink } from '../../../postgres/ledger/links.ts';
import type { Session } from '../../../postgres/session/connection.ts';

export const OBJECT = 'Account';

/** Runs of a property, and links in each. */
export const RUNS = { numRuns: 30 };
const LINKS = { minLength: 1, maxLength: 50 };

const awkward = fc.constantFrom('', 'a\nb', '\\', '\\N', '\t', '"', `'`, '{}', 'null', 'ä€😀');
const words = fc.oneof(awkward, fc.string({ unit: 'grapheme', maxLength: 8 }));
const value = fc.oneof(words, fc.boolean(), fc.constant(null));
const field = fc.constantFrom('Name', 'Phone', 'Website', 'OwnerId');
const instant = fc.integer({ min: 946_684_800_000, max: 1_900_000_000_000 });
const maybe = <Value>(each: fc.Arbitrary<Value>) => fc.option(each, { nil: undefined });
const byField = <Value>(each: fc.Arbitrary<Value>) => fc.dictionary(field, each, { maxKeys: 4, noNullPrototype: true });
const id = fc.integer({ min: 0, max: 999 }).map(idOf);

/** The nth record's id. */
export function idOf(n: number): string {
  return `001${String(n).padStart(12, '0')}AAA`;
}

/** A member of Link that has no entry does not compile. */
const MEMBERS: { readonly [Each in keyof Link]: fc.Arbitrary<Link[Each]> } = {
  inexact: byField(value),
  salesforceId: id,
  rowKey: maybe(fc.nat({ max: 999 }).map(String)),
  base: maybe(fc.record({ deleted: fc.boolean(), fields: byField(value) })),
  highWater: maybe(instant),
  revision: fc.nat({ max: 1_000_000 }),
  dirty: fc.boolean(),
  appliedAt: maybe(instant),
  rereadDue: fc.boolean(),
  waiting: byField(id),
  push: maybe(
    fc.record({
      id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
      sentAt: instant,
      delivery: fc.constantFrom('api', 'appflow'),
      sent: byField(fc.record({ value, filler: fc.boolean() })),
      sentDeleted: maybe(fc.boolean()),
      seen: byField(fc.record({ value, sure: fc.boolean() })),
    }),
  ),
  refused: fc.record({ fields: byField(value), deleted: maybe(fc.boolean()) }),
  written: fc
    .record({
      replaced: byField(fc.record({ value, by: value, lockVersion: fc.nat() })),
      touched: maybe(fc.record({ at: fc.string({ unit: 'grapheme-ascii' }), editedAt: fc.option(instant) })),
    })
    .map(({ replaced, touched }) => ({ replaced, ...(touched && { touched }) })),
  wasInside: fc.boolean(),
  purgeDue: fc.boolean(),
  guard: maybe(fc.constantFrom('held', 'passed')),
  dueAfter: maybe(instant),
  retries: fc.nat({ max: 40 }),
};

/** Links of different records and rows. */
export const randomLinks: fc.Arbitrary<readonly Link[]> = fc.array(fc.record(MEMBERS), LINKS).map((links) => {
  const keys = new Set<string>();
  return links.map((link, n) => {
    const rowKey = link.rowKey === undefined || keys.has(link.rowKey) ? undefined : link.rowKey;
    if (rowKey !== undefined) keys.add(rowKey);
    return { ...link, ...(isIdle(link) && NOT_PUT_OFF), salesforceId: idOf(n), rowKey };
  });
});

/** A table for their rows, as the application would have it: its keys are texts. */
export const ROWS = mappingOf(
  defineSync({
    objects: {
      [OBJECT]: {
        table: 'things',
        filter: { where: `kind = 'shown'`, leaving: 'delete' },
        fields: { Name: text('name') },
      },
    },
  }),
  OBJECT,
);

export async function makeTable(application: pg.Client): Promise<void> {
  await application.query(
    `create table things (id text primary key, salesforce_id text unique, name text, kind text);
     grant select, insert, update, delete on things to sfsync_apply`,
  );
}

export interface RandomRow {
  readonly id: string;
  readonly salesforce_id?: string | undefined;
  readonly kind?: string | null | undefined;
}

export async function givenRows(session: Session, rows: readonly RandomRow[]): Promise<void> {
  await session.query(
    `insert into things (id, salesforce_id, kind)
     select id, salesforce_id, kind from jsonb_to_recordset($1) as x (id text, salesforce_id text, kind text)`,
    [JSON.stringify(rows)],
  );
}

/** Runs `work` in a transaction of which nothing stays. */
export async function rolledBack(session: Session, work: () => Promise<void>): Promise<void> {
  await session.query('begin');
  try {
    await work();
  } finally {
    await session.query('rollback');
  }
}

/** Makes the links and answers how they are stored, by record. */
export async function given(session: Session, links: readonly Link[]): Promise<Map<string, StoredLink>> {
  await insertLinks(session, OBJECT, links);
  return lockLinks(session, OBJECT, { salesforceIds: links.map(({ salesforceId }) => salesforceId) });
}

/** All links as they stand, in the order of their records. */
export async function allLinks(session: Session): Promise<Link[]> {
  const stored = await lockLinks(session, OBJECT, { where: 'true', values: [] });
  return [...stored.values()].map(({ link }) => link);
}

/** `dirty_since` of the records for which it is set. */
export async function dueSince(session: Session): Promise<Map<string, string>> {
  const { rows } = await session.query<{ id: string; since: string }>(
    'select salesforce_id as id, dirty_since::text as since from sfsync.link where dirty_since is not null',
  );
  return new Map(rows.map((row) => [row.id, row.since]));
}
