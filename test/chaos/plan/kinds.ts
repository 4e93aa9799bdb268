/** The kinds of operations, each with how often it is chosen. A kind may be of several operations, begun at nearly one moment. */
import type { Side } from '../history/history.ts';
import { type ChaosField, objectCalled } from './objects.ts';
import type { Act, PlannedWrite } from './plan.ts';
import { apart, savedTwice } from './sequences.ts';
import {
  anObject,
  born,
  create,
  type Drawn,
  edit,
  family,
  type Kind,
  lookupsOf,
  SIDES,
  type Situation,
  writable,
} from './situation.ts';

function update(side: Side): Kind {
  return (situation) => {
    const { object } = anObject(situation);
    const name = situation.people.one(object, situation.random);
    if (name === undefined) return undefined;
    return [{ side, object, act: { does: 'update', writes: [edit(name, side, situation)] } }];
  };
}

/** Several records by one call or transaction. */
function updateSome(side: Side): Kind {
  return (situation) => {
    const { object } = anObject(situation);
    const names = situation.random.some(situation.people.alive(object), situation.random.integer(2, 8));
    if (names.length < 2) return undefined;
    // In one order for all: what updates several rows in any order invites deadlocks.
    const writes = names.sort().map((name) => edit(name, side, situation));
    return [{ side, object, act: { does: 'update', writes } }];
  };
}

/** The same record on both sides at nearly the same moment: of one field, or of different ones. */
function both(same: boolean): Kind {
  return (situation) => {
    const { random, people } = situation;
    const object = anObject(situation);
    const name = people.one(object.object, random);
    if (name === undefined) return undefined;
    const inBoth = writable(object, 'salesforce').filter(({ direction }) => direction === 'both');
    const [one, other] = random.some(inBoth, 2) as [ChaosField, ChaosField];
    const laterMs = random.weighted([
      [random.integer(0, 30), 3],
      [random.integer(30, 700), 2],
    ]);
    const [first, second] = random.some(SIDES, 2) as [Side, Side];
    const drawn = (side: Side, field: ChaosField) =>
      ({
        side,
        object: object.object,
        act: { does: 'update', writes: [edit(name, side, situation, [field])] },
      }) as const;
    return [drawn(first, one), { ...drawn(second, same ? one : other), laterMs }];
  };
}

/** Changed and changed back, within a moment. */
function thereAndBack(situation: Situation): readonly Drawn[] | undefined {
  const { random, people } = situation;
  const object = anObject(situation);
  const side = random.pick(SIDES);
  const name = people.one(object.object, random);
  if (name === undefined) return undefined;
  const field = random.pick(writable(object, side));
  const [first, second] = [edit(name, side, situation, [field]), edit(name, side, situation, [field])];
  const drawn = (write: PlannedWrite, laterMs: number) =>
    ({ side, object: object.object, act: { does: 'update', writes: [write] }, laterMs }) as const;
  return [drawn(first, 0), drawn(second, random.integer(50, 400)), drawn(first, random.integer(450, 900))];
}

function remove(side: Side): Kind {
  return (situation) => {
    const { random, people } = situation;
    // Few parents: they take their children along in Salesforce, and are refused where they have some in PostgreSQL.
    const object = random.weighted([
      ['Account', 1],
      ['Contact', 3],
      ['Opportunity', 4],
    ] as const);
    const name = people.one(object, random);
    if (name === undefined || people.alive(object).length < 3) return undefined;
    people.goes(name, side);
    const drawn: Drawn = { side, object, act: { does: 'delete', names: [name] } };
    if (!random.chance(0.3)) return [drawn];
    // Edited on the other side meanwhile.
    const other = side === 'salesforce' ? 'postgres' : 'salesforce';
    const write = edit(name, other, situation);
    // Before the delete has crossed, or as it lands.
    const laterMs = random.integer(0, random.pick([400, 2_500]));
    return [drawn, { side: other, object, act: { does: 'update', writes: [write] }, laterMs }];
  };
}

/** A parent, whose children are freed in the same transaction. */
function freeAndDelete({ random, people }: Situation): readonly Drawn[] | undefined {
  const object = random.pick(['Account', 'Contact']);
  const name = people.one(object, random);
  if (name === undefined || people.alive(object).length < 3) return undefined;
  people.goes(name, 'postgres');
  return [{ side: 'postgres', object, act: { does: 'free and delete', name } }];
}

/** A text that its column takes and Salesforce does not: it is listed, and whoever edits it again puts that right. */
function tooLong(situation: Situation): readonly Drawn[] | undefined {
  const { random, people } = situation;
  const { object, fields } = anObject(situation);
  const name = people.one(object, random);
  const texts = fields.filter((field) => isText(field) && field.length !== undefined && field.field !== 'Email');
  if (name === undefined || texts.length === 0) return undefined;
  const { field, length = 0 } = random.pick(texts);
  const { values } = edit(name, 'postgres', situation, texts);
  const value = String(values[field] ?? '').padEnd(length + 1, '!');
  const write = { name, object, values: { [field]: value } };
  return [{ side: 'postgres', object, act: { does: 'update', writes: [write] } }];
}

/** A user of the org edits what only the application may: it is put back. */
function foreignEdit(situation: Situation): readonly Drawn[] | undefined {
  const name = situation.people.one('Contact', situation.random);
  if (name === undefined) return undefined;
  const fields = objectCalled('Contact').fields.filter(({ direction }) => direction === 'to-salesforce');
  const act: Act = { does: 'update', writes: [edit(name, 'salesforce', situation, fields)] };
  return [{ side: 'salesforce', object: 'Contact', act }];
}

/** What its own side has deleted, or the other. */
function bringBack(side: Side): Kind {
  return (situation) => {
    const { random, people } = situation;
    const { object } = anObject(situation);
    const deleter = side === 'postgres' ? 'postgres' : random.pick(SIDES);
    const name = people.deleted(object, deleter, random);
    if (name === undefined) return undefined;
    people.comesBack(name);
    return [{ side, object, act: { does: 'bring back', names: [name] } }];
  };
}

function merge(situation: Situation): readonly Drawn[] | undefined {
  const { random, people } = situation;
  const object = random.pick(['Account', 'Contact']);
  const [winner, ...losers] = random.some(people.alive(object), random.integer(2, 3));
  if (winner === undefined || losers.length === 0 || people.alive(object).length < 4) return undefined;
  for (const loser of losers) people.ends(loser);
  const { values: chosen } = edit(winner, 'salesforce', situation);
  return [{ side: 'salesforce', object, act: { does: 'merge', winner, losers, values: chosen } }];
}

function reparent(side: Side): Kind {
  return (situation) => {
    const { random, people } = situation;
    const object = random.pick([...situation.objects]);
    const name = people.one(object.object, random);
    const { field, parent = '' } = random.pick(lookupsOf(object));
    const other = random.chance(0.15) ? null : people.one(parent, random);
    if (name === undefined || other === undefined || other === name) return undefined;
    const write = { name, object: object.object, values: { [field]: other === null ? null : { record: other } } };
    return [{ side, object: object.object, act: { does: 'update', writes: [write] } }];
  };
}

/** What breaks a file of hundreds of rows breaks it by one of them. */
const HURTING_IN_BULK = 0.4;

/** Hundreds at once: new ones, or all that there are of an object. */
function bulk(side: Side): Kind {
  return (situation) => {
    const { random, people, herd } = situation;
    if (herd === 0) return undefined;
    const rows = { ...situation, hurting: HURTING_IN_BULK };
    const object = objectCalled(random.pick(['Contact', 'Opportunity']));
    const there = people.alive(object.object);
    if (there.length < herd / 2) {
      const writes = Array.from({ length: herd }, () => ({
        name: people.add(object.object),
        object: object.object,
        values: born(object, side, rows),
      }));
      return [{ side, object: object.object, act: { does: 'bulk create', writes: sameFields(writes) } }];
    }
    const fields = new Set(random.some(writable(object, side), random.integer(1, 2)));
    // A text has more that may go wrong in a file than other values.
    if (random.chance(0.5)) fields.add(random.pick(writable(object, side).filter(isText)));
    const writes = random.some(there, herd).map((name) => edit(name, side, rows, [...fields]));
    return [{ side, object: object.object, act: { does: 'bulk update', writes } }];
  };
}

function isText({ type, choices }: ChaosField): boolean {
  return type === 'text' && choices === undefined;
}

/** One file has one header: what one row says nothing about is left out of all. */
function sameFields(writes: readonly PlannedWrite[]): readonly PlannedWrite[] {
  const inAll = Object.keys(writes[0]?.values ?? {}).filter((field) =>
    writes.every(({ values: each }) => field in each),
  );
  return writes.map((write) => ({
    ...write,
    values: Object.fromEntries(inAll.map((field) => [field, write.values[field] ?? null])),
  }));
}

/** All rows of the one table that no other refers to, by a statement that names none of them. */
function truncate({ people }: Situation): readonly Drawn[] | undefined {
  const object = 'Opportunity';
  if (people.alive(object).length < 5) return undefined;
  for (const name of people.alive(object)) people.goes(name, 'postgres');
  return [{ side: 'postgres', object, act: { does: 'truncate' } }];
}

function migrate(situation: Situation): readonly Drawn[] {
  const { random } = situation;
  const { table, object } = anObject(situation);
  const loans = 'public.loan_applications';
  const [of, how, detail] = random.weighted([
    [[object, 'add column', table], 4],
    [['Opportunity', 'alter type', `${loans} term_months ${random.pick(['integer', 'numeric'])}`], 2],
    [['Opportunity', 'alter type', `${loans} title ${random.pick(['varchar(120)', 'text'])}`], 1],
  ] as const);
  return [{ side: 'postgres', object: of, act: { does: 'migrate', how, detail } }];
}

/** Another table with the same rows takes the place of one; what sfsync may do with it is seen to afterwards. */
function swapTable(): readonly Drawn[] {
  const act = { does: 'migrate', how: 'swap table', detail: 'public.loan_applications' } as const;
  return [{ side: 'postgres', object: 'Opportunity', act }];
}

export const KINDS: Readonly<Record<string, readonly [Kind, number]>> = {
  'update in Salesforce': [update('salesforce'), 20],
  'update in PostgreSQL': [update('postgres'), 20],
  'several in Salesforce': [updateSome('salesforce'), 4],
  'several in PostgreSQL': [updateSome('postgres'), 4],
  'same field on both sides': [both(true), 7],
  'different fields on both sides': [both(false), 5],
  'same field, seconds apart': [apart, 1],
  'there and back': [thereAndBack, 1],
  'create in Salesforce': [(situation) => [create('salesforce', situation)], 4],
  'insert in PostgreSQL': [(situation) => [create('postgres', situation)], 4],
  'saved twice in Salesforce': [savedTwice('salesforce'), 1],
  'saved twice in PostgreSQL': [savedTwice('postgres'), 1],
  'family in Salesforce': [(situation) => [family('salesforce', situation)], 1],
  'family in PostgreSQL': [(situation) => [family('postgres', situation)], 1],
  'delete in Salesforce': [remove('salesforce'), 3],
  'delete in PostgreSQL': [remove('postgres'), 3],
  'children freed and parent deleted': [freeAndDelete, 1],
  'too long for Salesforce': [tooLong, 0.5],
  'foreign field in Salesforce': [foreignEdit, 1],
  'undelete in Salesforce': [bringBack('salesforce'), 3],
  'insert again in PostgreSQL': [bringBack('postgres'), 2],
  'merge in Salesforce': [merge, 1],
  're-parent in Salesforce': [reparent('salesforce'), 3],
  're-parent in PostgreSQL': [reparent('postgres'), 3],
  'bulk in Salesforce': [bulk('salesforce'), 0.4],
  'bulk in PostgreSQL': [bulk('postgres'), 0.4],
  'TRUNCATE in PostgreSQL': [truncate, 0.1],
  migration: [migrate, 0.4],
  'table swap': [swapTable, 0.1],
};
