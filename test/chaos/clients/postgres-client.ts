/** The application: carries an operation out as one transaction, which says its number to the recording trigger. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { inColumn } from '../history/normal-form.ts';
import { objectCalled, objectsWith } from '../plan/objects.ts';
import { type Act, objectOf, type PlannedOperation, type PlannedValue, type PlannedWrite } from '../plan/plan.ts';
import { MARKER } from '../plan/values.ts';
import type { Cast } from './cast.ts';
import { migrate } from './migrations.ts';
import { codeOf, done, type Outcome, refused, unknown } from './outcome.ts';

/** A row that is not there, or no longer. */
class NoRow extends Error {
  readonly code = 'NO_ROW';
}

/** Somebody has written the row since it was read: whoever saves has to look again. */
class StaleRow extends Error {
  readonly code = 'STALE_ROW';
}

/** From reading a row with a lock version to writing it. */
const FORM_IS_OPEN_MS = 150;

/** What the application puts up with: a lock, then an error. */
const LIMITS = `set local lock_timeout = '8s'; set local statement_timeout = '20s'`;

/** A column of each table that no mapping names: what the application keeps there stays. */
const NOTES: Readonly<Record<string, string>> = {
  Account: 'internal_notes',
  Contact: 'password_digest',
  Opportunity: 'underwriter_notes',
};

/** What one transaction has written, and what is known of it once it is committed. */
interface Work {
  readonly written: string[];
  readonly afterwards: (() => void)[];
  readonly followedBy: (() => Promise<unknown>)[];
  /** Rows are saved as an application does it that locks optimistically. */
  readonly isChecked: boolean;
  /** Of the operation. */
  readonly number: number;
}

export class PostgresClient {
  readonly #database: pg.Pool;
  readonly #cast: Cast;
  readonly #prepare: () => Promise<unknown>;

  /** `prepare`: what belongs to a migration that makes another table. */
  constructor(database: pg.Pool, cast: Cast, prepare: () => Promise<unknown>) {
    this.#database = database;
    this.#cast = cast;
    this.#prepare = prepare;
  }

  async carryOut({ number, act, object }: PlannedOperation): Promise<Outcome> {
    const work: Work = { written: [], afterwards: [], followedBy: [], isChecked: number % 2 === 0, number };
    let committing = false;
    let client: pg.PoolClient;
    try {
      client = await this.#database.connect();
    } catch (error) {
      return refused(codeOf(error));
    }
    // A session that the server ends while nothing is asked of it reports it here; the next statement reports it, too.
    const ignore = () => undefined;
    client.on('error', ignore);
    let broken: Error | undefined;
    try {
      await client.query(`begin; ${LIMITS}; set local chaos.operation = '${number}'`);
      await this.#act(client, object, act, work);
      committing = true;
      await client.query('commit');
      for (const each of work.afterwards) each();
      for (const each of work.followedBy) await each();
      return done(work.written);
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      const rolledBack = await client.query('rollback').then(
        () => true,
        () => false,
      );
      if (rolledBack) broken = undefined;
      // A commit that was refused by a constraint has an answer; one whose session ended has none.
      const hasAnswer = rolledBack || !committing;
      if (!hasAnswer) for (const each of work.afterwards) each();
      return hasAnswer ? refused(codeOf(error)) : unknown(codeOf(error), work.written);
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  async #act(client: pg.PoolClient, object: string, act: Act, work: Work): Promise<void> {
    switch (act.does) {
      case 'create':
        return this.#insert(client, act.writes, work);
      case 'bulk create':
        return this.#insertMany(client, act.writes, work);
      case 'update':
        for (const write of act.writes) await this.#update(client, write, work);
        return;
      case 'bulk update':
        return this.#updateMany(client, act.writes, work);
      case 'delete':
        for (const name of act.names) await this.#delete(client, name, work);
        return;
      case 'free and delete':
        await this.#free(client, act.name, work);
        return this.#delete(client, act.name, work);
      case 'bring back':
        for (const name of act.names) await this.#bringBack(client, name, work);
        return;
      case 'truncate':
        await client.query(`truncate ${objectCalled(object).table}`);
        return;
      case 'migrate':
        await migrate(client, act.how, act.detail);
        // Another table is not in the publication, and nobody has been granted anything on it.
        if (act.how === 'swap table') work.followedBy.push(this.#prepare);
        return;
      case 'merge':
        throw new Error('Rows are not merged');
      default:
        throw act satisfies never;
    }
  }

  /** In the order of the plan: parents come first. What a row does not say is the column's default. */
  async #insert(client: pg.PoolClient, writes: readonly PlannedWrite[], work: Work): Promise<void> {
    const keys = new Map(writes.map(({ name }) => [name, randomUUID() as string]));
    for (const { name, object, values } of writes) {
      const columns = { ...(await this.#columns(object, values, keys)), ...notes(object, work) };
      await insertRows(client, object, [{ id: keys.get(name), ...columns }]);
    }
    this.#inserted(keys, work);
  }

  /** By one statement; all rows have the same columns. */
  async #insertMany(client: pg.PoolClient, writes: readonly PlannedWrite[], work: Work): Promise<void> {
    const keys = new Map(writes.map(({ name }) => [name, randomUUID() as string]));
    const rows: object[] = [];
    for (const { name, object, values } of writes) {
      rows.push({ id: keys.get(name), ...(await this.#columns(object, values, keys)) });
    }
    await insertRows(client, writes[0]?.object ?? '', rows);
    this.#inserted(keys, work);
  }

  #inserted(keys: ReadonlyMap<string, string>, work: Work): void {
    for (const [name, key] of keys) {
      work.written.push(key);
      work.afterwards.push(() => this.#cast.isRow(name, key));
    }
  }

  async #update(client: pg.PoolClient, { name, object, values }: PlannedWrite, work: Work): Promise<void> {
    const key = await this.#key(name);
    const columns = { ...(await this.#columns(object, values)), ...notes(object, work) };
    const { table, lockVersion } = objectCalled(object);
    const read =
      lockVersion !== undefined && work.isChecked ? await this.#lockVersion(table, lockVersion, key) : undefined;
    const names = Object.keys(columns);
    const raise = read === undefined ? '' : `, ${lockVersion} = ${read} + 1`;
    const unchanged = read === undefined ? '' : `and t.${lockVersion} = ${read}`;
    const { rowCount } = await client.query(
      `update ${table} t set ${names.map((column) => `${column} = new.${column}`).join()}${raise}
         from jsonb_populate_record(null::${table}, $1) new where t.id::text = $2 ${unchanged}`,
      [JSON.stringify(columns), key],
    );
    if (rowCount === 0) throw read === undefined ? new NoRow() : new StaleRow();
    work.written.push(key);
  }

  /** As a form has read it, some time before it is saved. */
  async #lockVersion(table: string, column: string, key: string): Promise<number | undefined> {
    const sql = `select ${column} as found from ${table} where id::text = $1`;
    const { rows } = await this.#database.query<{ found: number }>(sql, [key]);
    await pause(FORM_IS_OPEN_MS);
    return rows[0]?.found;
  }

  /** One statement; rows that are not there are passed over. */
  async #updateMany(client: pg.PoolClient, writes: readonly PlannedWrite[], work: Work): Promise<void> {
    const [{ object, values } = { object: '', values: {} }] = writes;
    const { table } = objectCalled(object);
    const rows: object[] = [];
    // All at once: each that is not there is waited for, and they may be hundreds.
    const keys = await Promise.all(writes.map(({ name }) => this.#cast.keyOf(name)));
    for (const [i, write] of writes.entries()) {
      const id = keys[i];
      if (id !== undefined) rows.push({ id, ...(await this.#columns(object, write.values)) });
    }
    const columns = Object.keys(await this.#columns(object, values));
    const answer = await client.query<{ id: string }>(
      `update ${table} t set ${columns.map((column) => `${column} = new.${column}`).join()}
         from jsonb_populate_recordset(null::${table}, $1) new where t.id = new.id returning t.id::text as id`,
      [JSON.stringify(rows)],
    );
    work.written.push(...answer.rows.map(({ id }) => id));
  }

  async #free(client: pg.PoolClient, name: string, work: Work): Promise<void> {
    const key = await this.#key(name);
    for (const { table, fields } of objectsWith()) {
      for (const { column } of fields.filter(({ parent }) => parent === objectOf(name))) {
        const { rows } = await client.query<{ id: string }>(
          `update ${table} set ${column} = null where ${column}::text = $1 returning id::text as id`,
          [key],
        );
        work.written.push(...rows.map(({ id }) => id));
      }
    }
  }

  async #delete(client: pg.PoolClient, name: string, work: Work): Promise<void> {
    const key = await this.#key(name);
    const { table } = objectCalled(objectOf(name));
    const { rows } = await client.query<{ was: Record<string, unknown> }>(
      `delete from ${table} t where t.id::text = $1 returning to_jsonb(t) as was`,
      [key],
    );
    const [row] = rows;
    if (row === undefined) throw new NoRow();
    work.written.push(key);
    work.afterwards.push(() => this.#cast.rowWas(name, row.was));
  }

  async #bringBack(client: pg.PoolClient, name: string, work: Work): Promise<void> {
    const row = this.#cast.deletedRow(name);
    if (row === undefined) throw new NoRow();
    const { table } = objectCalled(objectOf(name));
    await client.query(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`, [
      JSON.stringify(row),
    ]);
    work.written.push(String(row.id));
  }

  async #key(name: string): Promise<string> {
    const key = await this.#cast.keyOf(name);
    if (key === undefined) throw new NoRow();
    return key;
  }

  /** By column. A lookup whose row is not there is left out. */
  async #columns(
    object: string,
    values: Readonly<Record<string, PlannedValue>>,
    beside: ReadonlyMap<string, string> = new Map(),
  ): Promise<Record<string, unknown>> {
    const columns: Record<string, unknown> = {};
    for (const mapped of objectCalled(object).fields) {
      const { field, column } = mapped;
      const value = values[field];
      if (value === undefined) continue;
      const isLookup = typeof value === 'object' && value !== null && 'record' in value;
      columns[column] = isLookup
        ? (beside.get(value.record) ?? (await this.#key(value.record)))
        : inColumn(mapped, value);
    }
    return columns;
  }
}

function notes(object: string, { number }: Work): Record<string, string> {
  const column = NOTES[object];
  return column === undefined ? {} : { [column]: `${MARKER}-note-${number}` };
}

async function insertRows(client: pg.PoolClient, object: string, rows: readonly object[]): Promise<void> {
  const { table } = objectCalled(object);
  const columns = Object.keys(rows[0] ?? {}).join();
  await client.query(
    `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}
