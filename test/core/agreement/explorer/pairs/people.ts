/** People in Salesforce, and its clock. */
import { type Edits, lineage, lineageOfValues, valuesFor } from './edits.ts';
import type { Move } from './moves.ts';
import { FIELDS, type Field, type Scenario } from './scenario.ts';
import { by, type Side, spend, type World, withValue } from './world.ts';

/** The stamps that a commit in Salesforce may get: how many seconds pass does not matter, only whether any does. */
export function stamps({ clock }: World): readonly number[] {
  return [clock, clock + 1];
}

export function committed(world: World, stamp: number): World {
  return { ...world, stamp, clock: Math.max(world.clock, stamp), polled: false };
}

/** x and y are alike until the first edit, unless the scenario distinguishes them. */
export function editable(scenario: Scenario, world: World): readonly Field[] {
  const alike = scenario.trigger === undefined && scenario.direction === undefined && scenario.joins === undefined;
  return alike && world.lineages.every((made, edit) => made === 0 || edit === 0) ? ['x'] : FIELDS;
}

export function people(scenario: Scenario, edits: Edits, world: World): Move[] {
  const made: Move[] = [];
  const { salesforce, row, step, left, clock } = world;
  const late = left.lateCommits > 0 && world.stamp >= clock;
  const times = late ? [...stamps(world), clock - 1] : stamps(world);
  const paid = (stamp: number) => (stamp < clock ? spend(world, 'lateCommits') : world);
  if (left.editsInSalesforce > 0 && !salesforce.deleted) {
    for (const field of editable(scenario, world)) {
      for (const stamp of times) {
        const before = spend(paid(stamp), 'editsInSalesforce');
        const { world: edited, edit } = edits.make(before, 'person', lineage(world, by(salesforce, field)));
        const mayAgree = scenario.sameValue === true && step.at === 'answered' && step.answer === 'refused';
        const same = mayAgree && row[field] !== salesforce[field] ? [row[field]] : [];
        for (const value of [...valuesFor(scenario, field, edit, salesforce[field]), ...same]) {
          const side = withValue(salesforce, field, value, edit);
          const what = `a person sets ${value} in Salesforce, stamp ${stamp}`;
          const after = committed({ ...edited, salesforce: side }, stamp);
          made.push({ what, world: after });
          // Its stamp is one that a poll has passed.
          if (left.hiddenCommits === 0 || !world.polled || stamp > clock) continue;
          const hidden = { ...spend(after, 'hiddenCommits'), polled: true, swept: false };
          made.push({ what: `${what}, committed when a poll has passed that`, world: hidden });
        }
      }
    }
  }
  if (left.deletesInSalesforce > 0 && !world.purged) {
    for (const stamp of times) {
      const { world: edited, side } = toggled(edits, spend(paid(stamp), 'deletesInSalesforce'), 'salesforce');
      const what = `a person ${salesforce.deleted ? 'undeletes' : 'deletes'} the record, stamp ${stamp}`;
      made.push({ what, world: committed({ ...edited, salesforce: side }, stamp) });
    }
  }
  return made;
}

/** Deletes or revives one side. */
export function toggled(edits: Edits, world: World, which: 'salesforce' | 'row'): { world: World; side: Side } {
  const side = world[which];
  const life = lineage(world, side.life);
  // Who revives a record has seen that it was deleted, but not the edits that went with it.
  const seen = side.deleted ? life & edits.lives : life | lineageOfValues(world, side);
  const maker = which === 'salesforce' ? 'person deletes' : 'application deletes';
  const { world: edited, edit } = edits.make(world, maker, seen);
  const revives = side.deleted || backAgain(world, which) ? world.revives | (1 << edit) : world.revives;
  return { world: { ...edited, revives }, side: { ...side, life: edit, deleted: !side.deleted } };
}

/** Deleted once more before sfsync has merged what was revived: that, too, returns to an earlier state. */
function backAgain({ link, salesforce, revives }: World, which: 'salesforce' | 'row'): boolean {
  if (which === 'row') return link.base?.deleted === true && link.push === undefined;
  const deleted = link.base?.deleted === true || link.push?.sentDeleted === true;
  return deleted && ((revives >> salesforce.life) & 1) === 1;
}
