/** Histories made by hand: acts of clients and of sfsync on pairs, one second after another. */
import type {
  End,
  Epoch,
  FaultRun,
  History,
  Leak,
  ListedConflict,
  ListedReject,
  MappedField,
  MappedObject,
  Operation,
  Push,
  Side,
  Value,
  Values,
  Version,
  WholeRecord,
} from '../history/history.ts';

type Writer = Version['writer'] | 'client' | 'sfsync' | 'consequence';

const FIELD = { direction: 'both', policy: 'salesforce', type: 'text' } as const;

export const ACCOUNT: MappedObject = {
  object: 'Account',
  table: 'public.lenders',
  key: 'id',
  idColumn: 'salesforce_id',
  delivery: 'api',
  insert: false,
  fields: [{ ...FIELD, field: 'Name', column: 'name' }],
};

const CONTACT_FIELDS: readonly MappedField[] = [
  { ...FIELD, field: 'LastName', column: 'last_name' },
  { ...FIELD, field: 'Email', column: 'email', policy: 'postgres' },
  { ...FIELD, field: 'DoNotCall', column: 'do_not_call', type: 'boolean' },
  { ...FIELD, field: 'Income', column: 'income', type: 'number', decimals: 2 },
  { ...FIELD, field: 'AccountId', column: 'lender_id', type: 'reference', parent: 'Account' },
  { ...FIELD, field: 'Score', column: 'score', type: 'number', direction: 'to-salesforce' },
  { ...FIELD, field: 'Rating', column: 'rating', direction: 'to-postgres' },
];

export const CONTACT: MappedObject = {
  ...ACCOUNT,
  object: 'Contact',
  table: 'public.borrowers',
  insert: true,
  fields: CONTACT_FIELDS,
};

/** A thing by a short name: its record has the id that `idOf` makes of it, its row that name as the key. */
export function idOf(name: string): string {
  return `003${name.padStart(12, '0').slice(-12)}AAA`;
}

export class Story {
  now = 0;
  readonly versions: Version[] = [];
  readonly operations: Operation[] = [];
  readonly pushes: Push[] = [];
  readonly conflicts: ListedConflict[] = [];
  readonly rejects: ListedReject[] = [];
  readonly faults: FaultRun[] = [];
  readonly leaks: Leak[] = [];
  readonly epochs: Epoch[];
  readonly #states = new Map<string, { values: Values; isThere: boolean }>();

  constructor(objects: readonly MappedObject[] = [ACCOUNT, CONTACT]) {
    this.epochs = [{ from: 0, objects }];
  }

  /** A pair that was there before the run. */
  pair(name: string, values: Values = {}, object = 'Contact'): this {
    this.write('salesforce', name, values, 'consequence', object);
    this.write('postgres', name, { ...values, id: idOf(name) }, 'consequence', object);
    return this;
  }

  /** A client edits the record, or the row; makes it where it is not there. */
  edits(side: Side, name: string, values: Values, object = 'Contact'): this {
    return this.write(side, name, values, 'client', object);
  }

  /** sfsync copies values into the row; `id`: also the record's id. */
  applies(name: string, values: Values, object = 'Contact'): this {
    return this.write('postgres', name, values, 'sfsync', object);
  }

  /** sfsync pushes values into the record, by a look so many seconds ago. */
  lands(name: string, values: Values, lookedSecondsAgo = 0.5, object = 'Contact'): this {
    this.write('salesforce', name, values, 'sfsync', object);
    const [salesforceId, sentAt] = [idOf(name), this.now - 400];
    const lookedAt = this.now - lookedSecondsAgo * 1000;
    const pushId = `push ${this.pushes.length}`;
    this.pushes.push({
      object,
      salesforceId,
      pushId,
      sent: values,
      sentDeleted: false,
      lookedAt,
      sentAt: Math.min(sentAt, lookedAt + 50),
      closedAt: this.now + 400,
    });
    return this;
  }

  deletes(side: Side, name: string, by: Writer = 'client', object = 'Contact', mergedInto?: string): this {
    return this.#add(side, name, this.#stateOf(side, name, object).values, by, object, 'delete', mergedInto);
  }

  /** A row comes back with these values in place of what it had. */
  undeletes(side: Side, name: string, by: Writer = 'client', values: Values = {}, object = 'Contact'): this {
    const kind = side === 'salesforce' ? 'undelete' : 'create';
    return this.#add(side, name, values, by, object, kind);
  }

  logs(name: string, field: string, salesforceValue: Value, postgresValue: Value, winner = 'salesforce'): this {
    this.conflicts.push({
      object: 'Contact',
      salesforceId: idOf(name),
      rowKey: name,
      field,
      reason: 'both edited',
      salesforceValue,
      postgresValue,
      winner,
      at: this.now + 1,
    });
    return this;
  }

  /** A delete against an edit: the record as a whole. */
  logsRecord(name: string, salesforce: WholeRecord, postgres: WholeRecord, winner: string): this {
    this.logs(name, '', null, null, winner);
    const conflict = this.conflicts.pop() as ListedConflict;
    const values = { salesforceValue: salesforce, postgresValue: postgres };
    this.conflicts.push({ ...conflict, field: null, reason: 'deleted and edited', ...values });
    return this;
  }

  rejected(name: string, field: string | null = null, open = true): this {
    const where = { object: 'Contact', direction: 'to-salesforce', salesforceId: idOf(name), rowKey: name } as const;
    this.rejects.push({ ...where, field, code: 'STRING_TOO_LONG', open, at: this.now });
    return this;
  }

  fault(name: string, detail = '', seconds = 5): this {
    this.faults.push({ name, detail, begun: this.now, ended: this.now + seconds * 1000 });
    return this;
  }

  waits(seconds: number): this {
    this.now += seconds * 1000;
    return this;
  }

  write(side: Side, name: string, values: Values, by: Writer, object = 'Contact'): this {
    const { isThere } = this.#stateOf(side, name, object);
    return this.#add(side, name, values, by, object, isThere ? 'update' : 'create');
  }

  #stateOf(side: Side, name: string, object: string) {
    return this.#states.get(`${side} ${object} ${name}`) ?? { values: {}, isThere: false };
  }

  #add(
    side: Side,
    name: string,
    values: Values,
    by: Writer,
    object: string,
    kind: Version['kind'],
    mergedInto?: string,
  ): this {
    this.now += 1000;
    const before = this.#stateOf(side, name, object).values;
    const fields = this.epochs.at(-1)?.objects.find((each) => each.object === object)?.fields ?? [];
    const blank = Object.fromEntries(fields.map(({ field, column }) => [side === 'salesforce' ? field : column, null]));
    const named = side === 'salesforce' ? values : inColumns(fields, values);
    const whole = { ...blank, ...before, ...named };
    this.#states.set(`${side} ${object} ${name}`, { values: whole, isThere: kind !== 'delete' && kind !== 'purge' });
    this.versions.push({
      side,
      sequence: this.versions.length + 1,
      object,
      key: side === 'salesforce' ? idOf(name) : name,
      kind,
      at: this.now,
      values: whole,
      writer: this.#writer(by, side, kind, object, name),
      ...(mergedInto === undefined ? {} : { mergedInto: idOf(mergedInto) }),
    });
    return this;
  }

  #writer(by: Writer, side: Side, kind: string, object: string, name: string): Version['writer'] {
    if (typeof by === 'object') return by;
    if (by !== 'client') return { by };
    const number = this.operations.length + 1;
    const targets = [side === 'salesforce' ? idOf(name) : name];
    const [begun, ended] = [this.now - 5, this.now + 5];
    this.operations.push({ number, side, kind, object, targets, begun, ended, answer: 'done' });
    return { by: 'client', operation: number };
  }

  /** What is there in the end follows from the versions; `end` says what differs from rest. */
  history(end: Partial<End> = {}): History {
    const records: End['records'][number][] = [];
    const rows: End['rows'][number][] = [];
    const links: End['links'][number][] = [];
    for (const [name, { values, isThere }] of this.#states) {
      const [side, object = '', key = ''] = name.split(' ');
      if (side === 'postgres' && isThere) rows.push({ object, key, values });
      if (side !== 'salesforce') continue;
      records.push({ object, id: idOf(key), deleted: !isThere, values });
      const rest = { dirty: false, rereadDue: false, pushOpen: false, held: false, waiting: [], refused: [] };
      links.push({ ...rest, object, salesforceId: idOf(key), rowKey: key, deleted: !isThere });
    }
    const { conflicts, rejects, versions, operations, pushes, faults, epochs, leaks } = this;
    const rest = { queues: {}, deadLetters: [], restless: [], afterQuiet: [] };
    return {
      seed: 1,
      commit: 'none',
      faultNames: [],
      epochs,
      operations,
      faults,
      versions,
      pushes,
      leaks,
      end: { at: this.now + 60_000, records, rows, links, conflicts, rejects, ...rest, ...end },
    };
  }
}

function inColumns(fields: readonly MappedField[], values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (name === 'id') return ['salesforce_id', value];
      return [fields.find(({ field }) => field === name)?.column ?? name, value];
    }),
  );
}
