/**
 * Both sides' people, in a process of their own: edits at a steady rate on either side, and when each of them was seen on
 * the other. Forked by `lag.ts`, which sends a `LoadOrder` and gets a `LoadResult`.
 *
 * Every edit carries a number that only grows, and counts as arrived when the other side shows it or a later one. Rows are
 * seen at their commit (NOTIFY); records in the org's own store, looked at every 50 ms.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import jsforce from 'jsforce';
import pg from 'pg';
import type { Endpoints } from '../local/endpoints.ts';

export interface LoadOrder {
  readonly endpoints: Endpoints;
  readonly directory: string;
  readonly seconds: number;
  readonly perSecond: number;
  readonly objects: readonly LoadedObject[];
}

/** A field that is edited, with the pairs that either side edits: never the same. */
export interface LoadedObject {
  readonly object: string;
  readonly field: string;
  readonly table: string;
  readonly column: string;
  /** Salesforce ids. */
  readonly editedHere: readonly string[];
  readonly editedThere: readonly string[];
}

export interface Edit {
  readonly object: string;
  readonly side: 'postgres' | 'salesforce';
  readonly id: string;
  readonly value: number;
  /** When it was committed or answered, milliseconds since 1970. */
  readonly at: number;
  /** When the other side had it; undefined: it was not seen. */
  readonly seenAt: number | undefined;
}

export interface LoadResult {
  readonly edits: readonly Edit[];
  /** Edits that their own side refused, with the first reason. */
  readonly failed: number;
  readonly reason: string | undefined;
}

const LOOK_EVERY_MS = 50;
/** What has not arrived so long after the last edit is lost. */
const ARRIVE_WITHIN_MS = 90_000;
const CHANNEL = 'lag';

/** Notifies the listening session of each committed edit of the watched columns, and notes each push with the look before it. */
export const WATCH = (objects: readonly LoadedObject[]) => `
  create schema lag;
  create function lag.notify() returns trigger language plpgsql security definer as $$
  begin
    perform pg_notify('${CHANNEL}', new.salesforce_id || ' ' || (to_jsonb(new) ->> tg_argv[0]));
    return null;
  end $$;
  create table lag.push (id text, looked timestamptz, sent timestamptz);
  create function lag.pushed() returns trigger language plpgsql security definer as $$
  begin
    insert into lag.push values (new.salesforce_id, new.applied_at, new.sent_at);
    return null;
  end $$;
  create trigger lag after update on sfsync.link for each row
    when (new.push_id is not null and new.push_id is distinct from old.push_id) execute function lag.pushed();
  ${objects
    .map(
      ({ table, column }) => `create trigger lag after update of ${column} on ${table} for each row
        when (new.${column} is distinct from old.${column}) execute function lag.notify('${column}');`,
    )
    .join('\n')}`;

class Load {
  readonly #order: LoadOrder;
  readonly #edits: (Omit<Edit, 'seenAt'> & { seenAt: number | undefined })[] = [];
  /** Edits on their way, by record. */
  readonly #open = new Map<string, { value: number; seenAt: number | undefined }[]>();
  #value = 1_000;
  #failed = 0;
  #reason: string | undefined;

  constructor(order: LoadOrder) {
    this.#order = order;
  }

  async run(): Promise<LoadResult> {
    const { endpoints, directory, seconds } = this.#order;
    const listener = new pg.Client({ connectionString: endpoints.postgres.url });
    const application = new pg.Pool({ connectionString: endpoints.postgres.url, max: 4 });
    await listener.connect();
    listener.on('notification', ({ payload = '' }) => this.#seen(payload, Date.now()));
    await listener.query(`listen ${CHANNEL}`);
    const store = new DatabaseSync(join(directory, 'org.sqlite'), { readOnly: true });
    const watching = setInterval(() => this.#look(store), LOOK_EVERY_MS);
    const { instanceUrl, accessToken } = endpoints.salesforce;
    const people = new jsforce.Connection({ instanceUrl, accessToken, version: '66.0' });

    await Promise.all([
      this.#steadily(seconds, (turn) => this.#editRow(application, turn)),
      this.#steadily(seconds, (turn) => this.#editRecord(people, turn)),
    ]);
    const deadline = Date.now() + ARRIVE_WITHIN_MS;
    while (this.#open.size > 0 && Date.now() < deadline) await pause(LOOK_EVERY_MS);
    clearInterval(watching);
    store.close();
    await listener.end();
    await application.end();
    return { edits: this.#edits, failed: this.#failed, reason: this.#reason };
  }

  /** One edit after the other at the rate, whatever the edits take; waits for the last of them. */
  async #steadily(seconds: number, edit: (turn: number) => Promise<void>): Promise<void> {
    const { perSecond } = this.#order;
    const started = performance.now();
    const underWay = new Set<Promise<void>>();
    for (let turn = 0; turn < seconds * perSecond; turn++) {
      await pause(Math.max(0, started + (turn * 1000) / perSecond - performance.now()));
      const one = edit(turn)
        .catch((error: unknown) => {
          this.#failed++;
          this.#reason ??= String(error);
        })
        .finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await Promise.all(underWay);
  }

  async #editRow(application: pg.Pool, turn: number): Promise<void> {
    const { object, table, column, id, value } = this.#next(turn, 'editedHere');
    await application.query(`update ${table} set ${column} = $1 where salesforce_id = $2`, [String(value), id]);
    this.#begun({ object, side: 'postgres', id, value, at: Date.now() });
  }

  async #editRecord(people: jsforce.Connection, turn: number): Promise<void> {
    const { object, field, type, id, value } = this.#next(turn, 'editedThere');
    await people.sobject(object).update({ Id: id, [field]: type === 'text' ? String(value) : value });
    this.#begun({ object, side: 'salesforce', id, value, at: Date.now() });
  }

  /** Objects take turns, and so do the records of each. */
  #next(turn: number, which: 'editedHere' | 'editedThere') {
    const { objects } = this.#order;
    const object = objects[turn % objects.length] as LoadedObject;
    const ids = object[which];
    const id = ids[Math.floor(turn / objects.length) % ids.length] ?? '';
    return { ...object, id, value: ++this.#value, type: object.field === 'Phone' ? 'text' : 'number' };
  }

  #begun(edit: Omit<Edit, 'seenAt'>): void {
    const kept = { ...edit, seenAt: undefined };
    this.#edits.push(kept);
    this.#open.set(keyOf(edit), [...(this.#open.get(keyOf(edit)) ?? []), kept]);
  }

  /** `<id> <value>` of a row that was committed. */
  #seen(payload: string, at: number): void {
    const [id = '', value = ''] = payload.split(' ');
    this.#arrived(`salesforce ${id}`, Number(value), at);
  }

  #look(store: DatabaseSync): void {
    const at = Date.now();
    for (const { object, field, editedHere } of this.#order.objects) {
      const waiting = editedHere.filter((id) => this.#open.has(`postgres ${id}`));
      if (waiting.length === 0) continue;
      const rows = store
        .prepare(
          `select id, json_extract(body, '$.values.${field}') as value from org_record
            where id in (select value from json_each(?))`,
        )
        .all(JSON.stringify(waiting));
      if (rows.length < waiting.length) throw new Error(`The org has lost records of ${object}`);
      for (const { id, value } of rows) this.#arrived(`postgres ${id}`, Number(value), at);
    }
  }

  /** This value is there: with it everything that was edited before. */
  #arrived(key: string, value: number, at: number): void {
    const open = this.#open.get(key) ?? [];
    const left = open.filter((edit) => {
      if (edit.value > value) return true;
      edit.seenAt = at;
      return false;
    });
    if (left.length === 0) this.#open.delete(key);
    else this.#open.set(key, left);
  }
}

function keyOf({ side, id }: Pick<Edit, 'side' | 'id'>): string {
  return `${side} ${id}`;
}

process.once('message', (order: LoadOrder) => {
  void new Load(order).run().then((result) => process.send?.(result, () => process.exit(0)));
});
