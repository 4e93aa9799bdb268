/**
 * The journey of one pair as text: what clients and sfsync did with it, one line each, the newest last. Times are seconds since the first
 * line. Values are shown on demand only; without them a value is a letter, the same for equal values.
 */
import type { History, Push, Version } from '../history/history.ts';
import type { Normal } from '../history/normal-form.ts';
import { IndexedHistory } from './index/indexed-history.ts';
import type { Pair } from './index/pairs.ts';

export interface Thing {
  readonly object: string;
  readonly salesforceId?: string | undefined;
  readonly rowKey?: string | undefined;
}

export interface JourneyOptions {
  readonly values?: boolean | undefined;
  /** Versions whose lines begin with `>`: what a violation names. */
  readonly marked?: readonly Version[] | undefined;
}

interface Line {
  readonly at: number;
  readonly what: string;
  readonly text: string;
  readonly isMarked?: boolean;
}

export function journey(history: History, thing: Thing, { values = false, marked = [] }: JourneyOptions = {}): string {
  const indexed = new IndexedHistory(history);
  const pair = indexed.pairs.find((each) => isThing(each, thing));
  if (pair === undefined) return alone(history, thing);
  const names = new Names(values);
  const own = [
    ...[...pair.record, ...pair.row]
      .sort((one, other) => one.at - other.at)
      .map((version) => {
        const line = ofVersion(indexed, names, version, previousOf(pair, version));
        return { ...line, isMarked: marked.includes(version) };
      }),
    ...indexed.pushesOf(pair).flatMap((push) => ofPush(indexed, names, pair, push)),
    ...indexed.conflictsOf(pair).map((conflict): Line => {
      const { at, field, reason, winner } = conflict;
      const of = indexed.fields(pair).find((each) => each.field.field === field)?.field;
      const [s, p] = [conflict.salesforceValue, conflict.postgresValue].map((value) =>
        of === undefined ? '' : names.of(field ?? '', indexed.normal(of, value, 'salesforce', at)),
      );
      const both = of === undefined ? '' : `  Salesforce ${s}, PostgreSQL ${p}`;
      return { at, what: 'conflict', text: `${field ?? 'the whole record'}: ${reason}, ${winner} stands${both}` };
    }),
    ...indexed.rejectsOf(pair).map(({ at, direction, code, field, open }): Line => {
      return {
        at,
        what: 'reject',
        text: `${direction}: ${code}${field === null ? '' : ` of ${field}`}${open ? ', open' : ''}`,
      };
    }),
  ];
  const from = Math.min(...own.map(({ at }) => at));
  const until = Math.max(...own.map(({ at }) => at));
  const lines = [...own, ...faultLines(history, from, until)].sort((one, other) => one.at - other.at);
  const title = `${pair.object} ${pair.salesforceId}, row ${[...new Set(pair.row.map(({ key }) => key))].join(', ') || 'none'}`;
  return [title, ...written(lines, from)].join('\n');
}

function isThing({ object, salesforceId, row }: Pair, thing: Thing): boolean {
  if (object !== thing.object) return false;
  if (thing.salesforceId !== undefined) return salesforceId.startsWith(thing.salesforceId);
  return row.some(({ key }) => key === thing.rowKey);
}

/** A row that never had a record. */
function alone({ versions }: History, { object, rowKey }: Thing): string {
  const own = versions.filter((each) => each.object === object && each.key === rowKey);
  const [first] = own;
  if (first === undefined) return 'Nothing is known of it.';
  const lines = own.map(({ at, kind, writer }): Line => ({ at, what: 'row', text: `${kind} by ${writer.by}` }));
  return [`${object}, row ${rowKey}, without a record`, ...written(lines, first.at)].join('\n');
}

function previousOf({ record, row }: Pair, version: Version): Version | undefined {
  const versions = version.side === 'salesforce' ? record : row;
  return versions[versions.indexOf(version) - 1];
}

function ofVersion(indexed: IndexedHistory, names: Names, version: Version, before: Version | undefined): Line {
  const { at, side, kind, writer, object, mergedInto } = version;
  const by = writer.by === 'client' ? clientOf(indexed, writer.operation) : writer.by;
  const changed = indexed.fieldsOf(object).flatMap(({ field }) => {
    const [was, is] = [before && indexed.read(before, field), indexed.read(version, field)];
    if (kind === 'delete' || is === undefined || was === is || (was === undefined && BLANK.includes(is))) return [];
    return [`${field.field}=${names.of(field.field, is)}`];
  });
  const into = mergedInto === undefined ? '' : ` (merged into ${mergedInto})`;
  return {
    at,
    what: side === 'salesforce' ? 'record' : 'row',
    text: `${kind} by ${by}${into}  ${changed.join(' ')}`.trimEnd(),
  };
}

/** Not worth a word where a record or row begins. */
const BLANK: readonly Normal[] = [null, 'false'];

function clientOf({ operations }: IndexedHistory, number: number): string {
  const operation = operations.get(number);
  if (operation === undefined) return `client (operation ${number})`;
  const { kind, answer, code } = operation;
  return `client (operation ${number}, ${kind}, ${answer}${code === undefined ? '' : ` ${code}`})`;
}

function ofPush(indexed: IndexedHistory, names: Names, pair: Pair, push: Push): Line[] {
  const { lookedAt, sentAt, closedAt, sent, sentDeleted, pushId } = push;
  const fields = indexed
    .fields(pair)
    .flatMap(({ field }) =>
      field.field in sent ? [`${field.field}=${names.of(field.field, indexed.sent(push, field) ?? null)}`] : [],
    );
  const what = `push ${pushId.slice(0, 8)}`;
  const looked = `looked ${((sentAt - lookedAt) / 1000).toFixed(2)} s before`;
  const opened = { at: sentAt, what, text: `${looked}; ${sentDeleted ? 'delete' : fields.join(' ')}` };
  return closedAt === undefined ? [opened] : [opened, { at: closedAt, what, text: 'closed' }];
}

function faultLines({ faults }: History, from: number, until: number): Line[] {
  return faults
    .filter(({ begun, ended }) => begun <= until && ended >= from)
    .flatMap(({ name, detail, begun, ended }) => [
      { at: begun, what: 'fault', text: `${name} ${detail}`.trimEnd() },
      { at: ended, what: 'fault', text: `${name} over` },
    ]);
}

function written(lines: readonly Line[], from: number): string[] {
  const width = Math.max(...lines.map(({ what }) => what.length));
  return lines.map(({ at, what, text, isMarked = false }) => {
    return `${isMarked ? '>' : ' '}${((at - from) / 1000).toFixed(3).padStart(8)}  ${what.padEnd(width)}  ${text}`;
  });
}

/** Letters for values, field by field. */
class Names {
  readonly #isOpen: boolean;
  readonly #known = new Map<string, Map<Normal, string>>();

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  of(field: string, value: Normal): string {
    if (value === null) return 'null';
    if (this.#isOpen) return JSON.stringify(value);
    const known = this.#known.get(field) ?? new Map<Normal, string>();
    this.#known.set(field, known);
    const name = known.get(value) ?? letters(known.size);
    known.set(value, name);
    return name;
  }
}

function letters(place: number): string {
  const letter = String.fromCharCode(65 + (place % 26));
  return place < 26 ? letter : `${letter}${Math.floor(place / 26)}`;
}
