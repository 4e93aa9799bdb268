/** Kinds of operations that are of several on one record, with a while between them. */
import type { Side } from '../history/history.ts';
import type { ChaosField } from './objects.ts';
import { anObject, create, type Drawn, edit, type Kind, SIDES, type Situation, writable } from './situation.ts';

/** So far apart that both stamps, which are good to the second, tell which came first. */
const APART_MS = [2_500, 5_000] as const;

/** One field on one side, and seconds later on the other, which has not heard of it where something is late. */
export function apart(situation: Situation): readonly Drawn[] | undefined {
  const { random, people, objects } = situation;
  const ofTime = objects.filter((object) => fieldsOf(object.fields, 'latest').length > 0);
  const object = random.chance(0.7) && ofTime.length > 0 ? random.pick(ofTime) : anObject(situation);
  const name = people.one(object.object, random);
  if (name === undefined) return undefined;
  const byTime = fieldsOf(object.fields, 'latest');
  const inBoth = writable(object, 'salesforce').filter(({ direction }) => direction === 'both');
  const field = random.pick(byTime.length > 0 ? byTime : inBoth);
  const [first, second] = random.some(SIDES, 2) as [Side, Side];
  const drawn = (side: Side, laterMs: number): Drawn => ({
    side,
    object: object.object,
    act: { does: 'update', writes: [edit(name, side, situation, [field])] },
    laterMs,
  });
  return [drawn(first, 0), drawn(second, random.integer(...APART_MS))];
}

function fieldsOf(fields: readonly ChaosField[], policy: ChaosField['policy']): ChaosField[] {
  return fields.filter((field) => field.policy === policy && field.direction === 'both');
}

/** Made, and edited on the same side before the other can have answered. */
export function savedTwice(side: Side): Kind {
  return (situation) => {
    const { random } = situation;
    const made = create(side, situation);
    const [write] = made.act.does === 'create' ? made.act.writes : [];
    if (write === undefined) return undefined;
    const again = (laterMs: number): Drawn => {
      const act = { does: 'update', writes: [edit(write.name, side, situation)] } as const;
      return { side, object: made.object, act, laterMs };
    };
    return [made, again(random.integer(50, 1_200)), ...(random.chance(0.4) ? [again(random.integer(300, 2_500))] : [])];
  };
}
