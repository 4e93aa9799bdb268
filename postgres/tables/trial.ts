/**
 * Which rows of a set the database refuses: each is written by itself, in one statement on the server, and everything is undone. A
 * thousand refused rows cost about as much as a thousand written ones, and not a statement and a round trip each.
 */
import pg from 'pg';
import { isCollision } from '../../core/error-classification.ts';
import type { FieldValues } from '../../core/mapping/canonical.ts';
import type { ObjectMapping } from '../../core/mapping/configuration.ts';
import { query, type Session } from '../session/connection.ts';
import {
  asRefusal,
  isLock,
  ROW_NOT_WRITTEN,
  RowIgnoredError,
  RowRefusedError,
  ServerError,
  type Trial,
} from '../session/server-errors.ts';
import type { TableColumns } from '../session/transaction-facts.ts';
import { keyDocument, sameKey } from './key-columns.ts';
import { newRowColumns, touches } from './own-columns.ts';
import { columnsOf, rowsOf, tableOf } from './rows.ts';
import { changesKey, sharedValues, sharesColumns } from './shared-columns.ts';
import { tableColumns } from './table-columns.ts';

const name = pg.escapeIdentifier;

/** A row to be inserted, or changed in these fields. */
export interface TriedWrite {
  readonly kind: 'insert' | 'update';
  readonly salesforceId: string;
  /** undefined: the table makes it. */
  readonly key: string | undefined;
  readonly fields: FieldValues;
}

/** It holds the rows of the part all the while: an application that wants one waits for as long. */
const TRIAL_MS = 100;

/**
 * Tries the writes one after the other, in their order and for as long as there is time; children of others once more when all of them are
 * there. undefined: it says nothing, and the caller has to find out otherwise.
 */
export async function tryRows(
  session: Session,
  mapping: ObjectMapping,
  writes: readonly TriedWrite[],
): Promise<Trial | undefined> {
  if (writes.length === 0) return undefined;
  // What decides about these is more than one statement.
  if (
    writes.some(
      ({ kind, fields }) => kind === 'update' && (changesKey(mapping, fields) || sharesColumns(mapping, fields)),
    )
  ) {
    return undefined;
  }
  const { shapes } = await tableColumns(session, mapping);
  const own = await newRowColumns(session, mapping, writes.filter(({ kind }) => kind === 'insert').length);
  const touched = await touches(session, mapping);
  let inserts = 0;
  const tried = writes.map((write) => {
    const row = rowOf(mapping, write, shapes, write.kind === 'insert' ? own[inserts++] : {});
    return { row, statement: statementOf(mapping, write.kind, Object.keys(row), touched) };
  });
  const statements = [...new Set(tried.map(({ statement }) => statement))];
  const rows = tried.map(({ statement, row }) => ({ n: statements.indexOf(statement) + 1, row }));
  await query(session, 'savepoint trial');
  try {
    await query(session, `select set_config('sfsync.trial', $1, true)`, [JSON.stringify(rows)]);
    await query(session, `do ${pg.escapeLiteral(trial(statements))}`);
    const { rows: answer } = await query<{ found: string }>(session, `select current_setting('sfsync.trial') as found`);
    return trialOf(mapping, writes, JSON.parse(answer[0]?.found ?? '[]') as readonly (Found | null)[]);
  } catch (error) {
    // The role may not run PL/pgSQL, or a row meets what no row can be blamed for.
    if (isLock(error) || (asRefusal(error) === undefined && !isRefusedByServer(error))) throw error;
    return undefined;
  } finally {
    await session.query('rollback to savepoint trial; release savepoint trial').catch(() => undefined);
  }
}

function isRefusedByServer(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof ServerError;
}

/** `own`: what a new row gets beside its fields. */
function rowOf(
  mapping: ObjectMapping,
  { kind, salesforceId, key, fields }: TriedWrite,
  shapes: TableColumns['shapes'],
  own: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  // What Postgres owns is not written into a new row.
  const owned = kind === 'insert' ? mapping.fields.filter(({ direction }) => direction === 'to-salesforce') : [];
  const written = Object.fromEntries(
    Object.entries(fields).filter(([field]) => !owned.some((each) => each.field === field)),
  );
  return {
    ...own,
    ...(kind === 'insert' && sharedValues(mapping, written)),
    ...columnsOf(mapping, written, shapes),
    ...(key !== undefined && keyDocument(mapping, key)),
    ...(kind === 'insert' && { [mapping.salesforceIdColumn]: salesforceId }),
  };
}

/** Takes the row as a document. Rows with the same columns share one. */
function statementOf(
  mapping: ObjectMapping,
  kind: TriedWrite['kind'],
  written: readonly string[],
  touched: readonly string[],
): string {
  const row = `jsonb_populate_record(null::${tableOf(mapping)}, $1)`;
  const columns = written.toSorted();
  if (kind === 'insert') {
    const names = columns.map(name).join(', ');
    // As COPY does it: a key that the identity's sequence has made is given with the row.
    return `insert into ${tableOf(mapping)} (${names}) overriding system value select ${names} from ${row}`;
  }
  const changed = columns
    .filter((column) => !mapping.keyColumns.includes(column))
    .map((column) => `${name(column)} = x.${name(column)}`);
  return `update ${rowsOf(mapping)} t set ${[...changed, ...touched].join(', ')} from ${row} x where ${sameKey(mapping, 't', 'x')}`;
}

/** What a row was refused with, in the order of the writes; null: it was not. */
interface Found {
  readonly code?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

/** Locks, and what ends the statement or the session, end the trial. */
const NO_ROWS_FAULT = `code ~ '^(08|25|40|53|57|58)' or code = '55P03'`;

function trial(statements: readonly string[]): string {
  return `
declare
  statements constant text[] := array[${statements.map((each) => pg.escapeLiteral(each)).join(', ')}];
  given constant jsonb[] := array(select value from jsonb_array_elements(current_setting('sfsync.trial')::jsonb) with ordinality order by ordinality);
  ending constant timestamptz := clock_timestamp() + interval '${TRIAL_MS} milliseconds';
  found jsonb[] := array_fill(null::jsonb, array[cardinality(given)]);
  pending int[] := array(select generate_series(1, cardinality(given)));
  failed int[];
  at int;
  written int;
  code text; at_table text; at_column text; at_constraint text;
begin
  set constraints all immediate;
  loop
    failed := '{}';
    foreach at in array pending loop
      if clock_timestamp() > ending then
        exit;
      end if;
      begin
        execute statements[(given[at] ->> 'n')::int] using given[at] -> 'row';
        get diagnostics written = row_count;
        found[at] := case when written = 0 then '{"code": "${ROW_NOT_WRITTEN}"}'::jsonb end;
      exception when others or assert_failure then
        get stacked diagnostics code = returned_sqlstate, at_table = table_name, at_column = column_name, at_constraint = constraint_name;
        if ${NO_ROWS_FAULT} then raise; end if;
        if code = '23503' then failed := failed || at; end if;
        found[at] := jsonb_strip_nulls(jsonb_build_object('code', code,
          'table', nullif(at_table, ''), 'column', nullif(at_column, ''), 'constraint', nullif(at_constraint, '')));
      end;
    end loop;
    exit when cardinality(failed) = 0 or cardinality(failed) = cardinality(pending) or clock_timestamp() > ending;
    pending := failed;
  end loop;
  perform set_config('sfsync.trial', to_jsonb(found)::text, true);
end`;
}

function trialOf(mapping: ObjectMapping, writes: readonly TriedWrite[], found: readonly (Found | null)[]): Trial {
  const refused = new Map<string, RowRefusedError>();
  writes.forEach(({ salesforceId, kind }, i) => {
    const { code, ...place } = found[i] ?? {};
    // Rows of the set may exchange values that only all of them together can have.
    if (code === undefined || isCollision(code)) return;
    const error =
      code === ROW_NOT_WRITTEN
        ? new RowIgnoredError(tableOf(mapping), kind)
        : new RowRefusedError(new ServerError({ code, ...place }));
    refused.set(salesforceId, error);
  });
  return refused;
}
