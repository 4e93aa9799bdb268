/**
 * A sync that is right, in a page: one base a pair, a merge of three, deletes that give way to edits. It makes histories of which the
 * judge must have nothing to say. Reads and writes are apart, so that clients come between them as they do in the real world.
 */
import type { MappedField, Side, Value, Values } from '../history/history.ts';
import { normalForm } from '../history/normal-form.ts';
import { CONTACT, Story } from './story.ts';

interface State {
  values: Values;
  isThere: boolean;
}

interface PairState {
  readonly salesforce: State;
  readonly postgres: State;
  base: State;
}

/** What a client does, or sfsync; `amid` is done between a look and the landing of what was decided by it. */
export type Step =
  | {
      readonly does: 'edit';
      readonly side: Side;
      readonly pair: number;
      readonly field: number;
      readonly back: boolean;
    }
  | { readonly does: 'delete'; readonly side: Side; readonly pair: number }
  | { readonly does: 'undelete'; readonly pair: number }
  | { readonly does: 'receive'; readonly pair: number }
  | { readonly does: 'push'; readonly pair: number; readonly whole: boolean; readonly amid: readonly Step[] };

const NAMES = ['a', 'b'];
const FIELDS = CONTACT.fields.filter(({ type }) => type !== 'reference');

export class PerfectSync {
  readonly story = new Story();
  readonly #pairs = new Map<string, PairState>();
  #written = 0;

  constructor() {
    for (const name of NAMES) {
      const values = Object.fromEntries(FIELDS.map((field) => [field.field, this.#newValue(field)]));
      this.story.pair(name, values);
      const state = () => ({ values, isThere: true });
      this.#pairs.set(name, { salesforce: state(), postgres: state(), base: state() });
    }
  }

  do(steps: readonly Step[]): this {
    for (const step of steps) this.#do(step);
    return this;
  }

  /** Until nothing differs any more. */
  drain(): this {
    for (const name of NAMES) {
      for (let round = 0; round < 4; round++) {
        this.#receive(name);
        this.#push(name, false, []);
      }
    }
    return this;
  }

  #do(step: Step): void {
    const name = NAMES[step.pair % NAMES.length] ?? 'a';
    if (step.does === 'receive') this.#receive(name);
    else if (step.does === 'push') this.#push(name, step.whole, step.amid);
    else if (step.does === 'edit') this.#edit(step, name);
    else this.#changeLife(step, name);
  }

  #edit({ side, field: place, back }: Step & { does: 'edit' }, name: string): void {
    const state = this.#pairs.get(name)?.[side];
    const field = FIELDS[place % FIELDS.length];
    if (state?.isThere !== true || field === undefined) return;
    const earlier = this.story.versions.find((version) => version.side === side && this.#isOf(version.key, name, side));
    const before = earlier?.values[side === 'salesforce' ? field.field : field.column];
    const value = back && before !== undefined ? before : this.#newValue(field);
    if (isSame(field, state.values[field.field], value)) return;
    this.#write(side, name, { [field.field]: value }, 'client');
  }

  #isOf(key: string, name: string, side: Side): boolean {
    return side === 'postgres' ? key === name : key.includes(`${name}AAA`);
  }

  #changeLife(step: Step & { does: 'delete' | 'undelete' }, name: string): void {
    const pair = this.#pairs.get(name) as PairState;
    const side = step.does === 'delete' ? step.side : 'salesforce';
    if (pair[side].isThere !== (step.does === 'delete')) return;
    pair[side].isThere = !pair[side].isThere;
    if (step.does === 'delete') this.story.deletes(side, name);
    else this.story.undeletes(side, name);
  }

  /** What a fresh read shows is merged at once. */
  #receive(name: string): void {
    const pair = this.#pairs.get(name) as PairState;
    this.#merge(name, { ...pair.salesforce });
  }

  #push(name: string, isWhole: boolean, amid: readonly Step[]): void {
    const pair = this.#pairs.get(name) as PairState;
    const lookedAt = this.story.waits(0.1).now;
    const look = { ...pair.salesforce };
    this.#merge(name, look);
    if (pair.postgres.isThere !== pair.base.isThere) {
      this.#pushLife(name, pair, amid);
      return;
    }
    const goes = (field: MappedField) => field.direction !== 'to-postgres';
    const differing = FIELDS.filter((field) => goes(field) && !this.#isAtBase(pair, field));
    if (!pair.postgres.isThere || differing.length === 0) return;
    const edits = pick(pair.postgres.values, differing);
    const sent = isWhole ? { ...pick(look.values, FIELDS.filter(goes)), ...edits } : edits;
    this.do(amid);
    if (!pair.salesforce.isThere) return;
    this.#land(name, sent, lookedAt);
    pair.base = { ...pair.base, values: { ...pair.base.values, ...sent } };
    this.#receive(name);
  }

  #pushLife(name: string, pair: PairState, amid: readonly Step[]): void {
    const isRevive = pair.postgres.isThere;
    const values = pick(
      pair.postgres.values,
      FIELDS.filter(({ direction }) => direction !== 'to-postgres'),
    );
    const lookedAt = this.story.now;
    this.do(amid);
    if (isRevive === pair.salesforce.isThere) return;
    pair.salesforce.isThere = isRevive;
    if (isRevive) {
      this.story.undeletes('salesforce', name, 'sfsync');
      this.#land(name, values, lookedAt);
      pair.base = { values: { ...pair.base.values, ...values }, isThere: true };
      this.#receive(name);
      return;
    }
    // The read-back shows what the delete has buried; then the row comes back, and the record with it.
    this.story.deletes('salesforce', name, 'sfsync');
    const buried = this.#touched(pair, pair.salesforce);
    pair.base = { values: pair.salesforce.values, isThere: false };
    if (buried && !pair.postgres.isThere) this.#logRecord(name, pair.salesforce, pair.postgres, 'salesforce');
    if (buried && !pair.postgres.isThere) this.#restoreRow(name, pair, pair.salesforce.values);
  }

  #land(name: string, sent: Values, lookedAt: number): void {
    const pair = this.#pairs.get(name) as PairState;
    const now = this.story.now + 1000;
    if (Object.entries(sent).some(([field, value]) => !isSame(field, pair.salesforce.values[field], value))) {
      this.#write('salesforce', name, sent, 'sfsync');
    }
    const salesforceId = this.story.versions.findLast(
      ({ side, key }) => side === 'salesforce' && this.#isOf(key, name, side),
    );
    this.story.pushes.push({
      object: 'Contact',
      salesforceId: salesforceId?.key ?? '',
      pushId: String(this.story.pushes.length),
      sent,
      sentDeleted: false,
      lookedAt,
      sentAt: lookedAt + 1,
      closedAt: now + 1,
    });
  }

  #merge(name: string, look: State): void {
    const pair = this.#pairs.get(name) as PairState;
    const { postgres: row, base } = pair;
    if (look.isThere && row.isThere) this.#mergeFields(name, pair, look);
    else if (!look.isThere && row.isThere) {
      const edited = FIELDS.filter(
        (field) =>
          field.direction !== 'to-postgres' &&
          !this.#isAtBase(pair, field) &&
          !isSame(field, row.values[field.field], look.values[field.field]),
      );
      if (base.isThere && edited.length === 0) {
        this.story.deletes('postgres', name, 'sfsync');
        row.isThere = false;
      } else {
        if (base.isThere) this.#logRecord(name, look, { ...row, values: pick(row.values, edited) }, 'postgres');
        this.#takeUnedited(name, pair, look);
      }
    } else if (look.isThere && !row.isThere) {
      const isTouched = base.isThere && this.#touched(pair, look);
      if (isTouched) this.#logRecord(name, look, { values: {}, isThere: false }, 'salesforce');
      if (!base.isThere || isTouched) this.#restoreRow(name, pair, look.values);
    }
    pair.base = { values: look.values, isThere: look.isThere };
  }

  #mergeFields(name: string, pair: PairState, look: State): void {
    const taken: MappedField[] = [];
    for (const field of FIELDS) {
      const [s, p, b] = [look, pair.postgres, pair.base].map(({ values }) => values[field.field]);
      if (isSame(field, s, p) || field.direction === 'to-salesforce') continue;
      if (field.direction === 'both') {
        if (isSame(field, s, b)) continue;
        if (!isSame(field, p, b)) {
          this.story.logs(name, field.field, s ?? null, p ?? null, field.policy);
          if (field.policy === 'postgres') continue;
        }
      }
      taken.push(field);
    }
    if (taken.length > 0) this.#write('postgres', name, pick(look.values, taken), 'sfsync');
  }

  /** Of a row that stands against a delete. */
  #takeUnedited(name: string, pair: PairState, look: State): void {
    const taken = FIELDS.filter((field) => {
      const [s, p] = [look.values[field.field], pair.postgres.values[field.field]];
      return field.direction !== 'to-salesforce' && this.#isAtBase(pair, field) && !isSame(field, s, p);
    });
    if (taken.length > 0) this.#write('postgres', name, pick(look.values, taken), 'sfsync');
  }

  #logRecord(name: string, record: State, row: State, winner: string): void {
    const whole = ({ values, isThere }: State) => ({ deleted: !isThere, fields: isThere ? values : {} });
    this.story.logsRecord(name, { deleted: !record.isThere, fields: record.values }, whole(row), winner);
  }

  #touched({ base }: PairState, look: State): boolean {
    return FIELDS.some(
      (field) => field.direction === 'both' && !isSame(field, look.values[field.field], base.values[field.field]),
    );
  }

  #restoreRow(name: string, pair: PairState, values: Values): void {
    const whole = { ...pair.postgres.values, ...values };
    this.story.undeletes('postgres', name, 'sfsync', whole);
    pair.postgres.isThere = true;
    pair.postgres.values = whole;
  }

  #isAtBase({ postgres, base }: PairState, field: MappedField): boolean {
    return isSame(field, postgres.values[field.field], base.values[field.field]);
  }

  #write(side: Side, name: string, values: Values, by: 'client' | 'sfsync'): void {
    const state = (this.#pairs.get(name) as PairState)[side];
    state.values = { ...state.values, ...values };
    this.story.write(side, name, values, by);
  }

  /** No two are equal, but checkboxes. */
  #newValue({ type }: MappedField): Value {
    this.#written += 1;
    if (type === 'boolean') return this.#written % 2 === 0;
    return type === 'number' ? this.#written : `value ${this.#written}`;
  }
}

function isSame(field: MappedField | string, one: Value | undefined, other: Value | undefined): boolean {
  const typed = typeof field === 'string' ? FIELDS.find((each) => each.field === field) : field;
  return typed !== undefined && normalForm(typed, one) === normalForm(typed, other);
}

function pick(values: Values, fields: readonly MappedField[]): Values {
  return Object.fromEntries(fields.map(({ field }) => [field, values[field] ?? null]));
}
