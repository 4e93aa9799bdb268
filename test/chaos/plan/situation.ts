/** What all kinds of operations draw from: who there is, and what may be written about them. */
import type { Side } from '../history/history.ts';
import { type ChaosField, type ChaosObject, objectCalled } from './objects.ts';
import type { People } from './people.ts';
import { type Act, objectOf, type PlannedValues, type PlannedWrite } from './plan.ts';
import type { Random } from './random.ts';
import { valueFor } from './values.ts';

export interface Drawn {
  readonly side: Side;
  readonly object: string;
  readonly act: Act;
  /** After the moment of the kind. @default 0 */
  readonly laterMs?: number;
}

export interface Situation {
  readonly random: Random;
  readonly people: People;
  /** Makes texts that nobody else writes. */
  readonly tag: () => string;
  /** Rows of a bulk edit. */
  readonly herd: number;
  /** How many of the values hurt, 0 to 1. @default some */
  readonly hurting?: number;
  /** Optional fields that may be mapped; they are written in any case. */
  readonly objects: readonly ChaosObject[];
}

/** Undefined: there is nobody whom it could be about now. */
export type Kind = (situation: Situation) => readonly Drawn[] | undefined;

export const SIDES: readonly Side[] = ['salesforce', 'postgres'];

/** Fields that the side edits; lookups have operations of their own. */
export function writable({ fields }: ChaosObject, side: Side): ChaosField[] {
  const foreign = side === 'salesforce' ? 'to-salesforce' : 'to-postgres';
  return fields.filter(({ type, direction }) => type !== 'reference' && direction !== foreign);
}

function values(fields: readonly ChaosField[], { random, tag, hurting }: Situation): PlannedValues {
  return Object.fromEntries(fields.map((field) => [field.field, valueFor(field, random, tag(), hurting)]));
}

export function anObject({ random, objects }: Situation): ChaosObject {
  return random.pick(objects);
}

export function edit(name: string, side: Side, situation: Situation, fields?: readonly ChaosField[]): PlannedWrite {
  const object = objectOf(name);
  const chosen =
    fields ??
    situation.random.some(
      writable(objectCalled(object), side),
      situation.random.weighted([
        [1, 6],
        [2, 3],
        [4, 1],
      ]),
    );
  return { name, object, values: values(chosen, situation) };
}

/** Values of a new record: what is required, and some more. */
export function born(
  object: ChaosObject,
  side: Side,
  situation: Situation,
  lookups: PlannedValues = {},
): PlannedValues {
  const { random } = situation;
  const own = writable(object, side).filter(({ required }) => required === true || random.chance(0.5));
  return { ...values(own, situation), ...lookups };
}

export function lookupsOf({ fields }: ChaosObject): ChaosField[] {
  return fields.filter(({ type }) => type === 'reference');
}

export function create(side: Side, situation: Situation, object = anObject(situation)): Drawn {
  const { people, random } = situation;
  const lookups: Record<string, { record: string }> = {};
  for (const { field, parent = '' } of lookupsOf(object)) {
    const name = random.chance(0.5) ? people.one(parent, random) : undefined;
    if (name !== undefined) lookups[field] = { record: name };
  }
  const write = { object: object.object, values: born(object, side, situation, lookups) };
  const act: Act = { does: 'create', writes: [{ name: people.add(object.object), ...write }] };
  return { side, object: object.object, act };
}

/** An account with its contacts and opportunities, which name it. */
export function family(side: Side, situation: Situation, children = situation.random.integer(1, 4)): Drawn {
  const { people, random } = situation;
  const write = (object: string, lookups: PlannedValues = {}): PlannedWrite => ({
    name: people.add(object),
    object,
    values: born(objectCalled(object), side, situation, lookups),
  });
  const account = write('Account');
  const parent = { AccountId: { record: account.name } };
  const contact = write('Contact', parent);
  const others = Array.from({ length: children }, () =>
    random.chance(0.4)
      ? write('Contact', { ...parent, ReportsToId: { record: contact.name } })
      : write('Opportunity', { ...parent, Borrower__c: { record: contact.name } }),
  );
  const inOrder = [account, contact, ...others.filter(({ object }) => object === 'Contact')];
  const writes = [...inOrder, ...others.filter(({ object }) => object === 'Opportunity')];
  return { side, object: 'Account', act: { does: 'create', writes } };
}
