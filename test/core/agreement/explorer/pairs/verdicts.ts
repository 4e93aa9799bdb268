/** What must never be true. */

import { isEqual } from '../rounding/rounding.ts';
import { takes } from '../takes.ts';
import { allMade, type Edits, lineage, lineageOfValues } from './edits.ts';
import type { Driver } from './moves.ts';
import type { Rules } from './rules.ts';
import { budgetsOf, FIELDS, type Scenario } from './scenario.ts';
import { EMPTY, type World } from './world.ts';

export type Violation =
  | 'the sides differ for good'
  | 'an edit was lost'
  | 'an edit was lost that a file had shown'
  | 'a conflict between a value and its own successor'
  | 'a conflict in a field that goes one way'
  | 'a refused value was pushed again'
  | 'what the column made of a value was sent back'
  | 'the row lost what Salesforce has rounded'
  | 'an echo'
  | 'more writes than edits'
  | 'writes without end';

/** Nothing is left to happen but new edits. */
function isQuiet(
  rules: Rules,
  { step, former, queued, link, polled, swept, invisible, arrivals, flights }: World,
): boolean {
  const busy = step.at !== 'idle' || former.at !== 'idle' || queued || !polled || !swept || invisible !== undefined;
  return !busy && !takes(link, rules) && arrivals.length + flights.length === 0;
}

export function violations({ scenario, budgets: given, edits, rules }: Driver, world: World): Violation[] {
  const found: Violation[] = [];
  const { left } = world;
  const lost = given.lostAnswers - left.lostAnswers;
  // Documented: a push whose outcome is unknown, and then an edit, is logged as a conflict although it was a sequence.
  const ended = given.crashes - left.crashes + given.lostLeases - left.lostLeases;
  const unknown = ended + lost + given.countedFailures - left.countedFailures > 0;
  if (world.falseConflict && !unknown) found.push('a conflict between a value and its own successor');
  if (world.needlessConflict) found.push('a conflict in a field that goes one way');
  if (world.pushedRefused) found.push('a refused value was pushed again');
  if (world.sentBack) found.push('what the column made of a value was sent back');
  if (world.coarsened) found.push('the row lost what Salesforce has rounded');
  if (world.echo) found.push('an echo');
  if (world.writes > 8) found.push('writes without end');
  const edited =
    given.editsOfRow -
    left.editsOfRow +
    given.deletesOfRow -
    left.deletesOfRow +
    given.crossings -
    left.crossings +
    given.staleWrites -
    left.staleWrites;
  const triggers = scenario.trigger === undefined ? 0 : edited + given.editsInSalesforce;
  const reverted = scenario.direction === 'to-salesforce' ? given.editsInSalesforce - left.editsInSalesforce : 0;
  // What Salesforce lacks of a field that is new in the mapping goes there, though the row was not edited.
  const joined = scenario.joins === undefined || scenario.joins === 'row empty' ? 0 : 1;
  if (world.writes > edited + world.excuses + lost + triggers + reverted + joined) found.push('more writes than edits');
  if (isQuiet(rules, world)) found.push(...atRest(scenario, edits, world));
  return found;
}

function atRest(scenario: Scenario, edits: Edits, world: World): Violation[] {
  const { salesforce, row } = world;
  if (!agree(scenario, world)) {
    if (!isListed(world)) return ['the sides differ for good'];
    // Of a record that is listed for one field the others agree, and no edit of theirs may be lost.
    if (scenario.blames !== true) return [];
  }
  const inSalesforce = salesforce.deleted ? 0 : lineageOfValues(world, salesforce);
  const values = row.deleted ? inSalesforce : inSalesforce | lineageOfValues(world, row);
  const undone = undoneEdits(world);
  const kept = world.logged | undone | lineage(world, salesforce.life) | lineage(world, row.life) | values | 1;
  // A delete takes along what a field held before it was mapped: that is no edit.
  const buried = salesforce.deleted ? edits.before : 0;
  const lost = allMade(world) & ~kept & ~buried & ~unaccountable(scenario);
  const excused = scenario.noWindow === true ? 0 : world.window;
  return [
    ...((lost & ~excused) !== 0 ? (['an edit was lost'] as const) : []),
    ...((lost & excused & world.shown) !== 0 ? (['an edit was lost that a file had shown'] as const) : []),
  ];
}

function agree(scenario: Scenario, world: World): boolean {
  const { salesforce, row, link, left } = world;
  const { direction, leaving, deletesInSalesforce = 0, deletesOfRow = 0 } = scenario;
  if (world.outside && !row.deleted) {
    // Outside the filter the sides may differ; a record whose row has left it is deleted unless one of them was brought back.
    const touched = deletesInSalesforce > left.deletesInSalesforce || deletesOfRow > left.deletesOfRow;
    return leaving !== 'delete' || touched || salesforce.deleted;
  }
  if (salesforce.deleted !== row.deleted) return false;
  return (
    salesforce.deleted ||
    FIELDS.every((field) => {
      // What the application writes where it does not own the field stays until Salesforce has something new.
      const overridden = field === 'x' && direction === 'to-postgres' && link.base?.fields.x === salesforce.x;
      // A column that nothing was written to says nothing, where only PostgreSQL may edit the field.
      const mute =
        field === 'x' && direction === 'to-salesforce' && row.x === EMPTY && link.base?.fields.x === undefined;
      return mute || overridden || isEqual(scenario.rounds, field, salesforce[field], row[field]);
    })
  );
}

/**
 * A revive undoes the delete before it, with the edits that went with that; and what it returns to no comparison of values
 * can see.
 */
function undoneEdits(world: World): number {
  return world.lineages.reduce((all, seen, edit) => {
    if (((world.revives >> edit) & 1) === 0) return all;
    const deletes = world.lineages.reduce((sum, went, by) => ((seen >> by) & 1 ? sum | went : sum), 0);
    return all | seen | deletes;
  }, 0);
}

/** All that differs was refused, and is listed as such. */
function isListed({ listed, unmerged, salesforce, row, outside, link: { refused } }: World): boolean {
  if (unmerged) return true;
  if (!listed) return false;
  if (outside && !row.deleted) return refused.deleted === true;
  if (salesforce.deleted !== row.deleted) return refused.deleted === row.deleted;
  return FIELDS.every((field) => salesforce[field] === row[field] || refused.fields[field] === row[field]);
}

/**
 * Edits that may go without a trace: those of both sides where values go there and back between two looks, for no read can have
 * seen them, and those of the side that does not own a field.
 */
function unaccountable(scenario: Scenario): number {
  const { editsInSalesforce, editsOfRow } = budgetsOf(scenario);
  const thereAndBack = scenario.editsBack === true && editsInSalesforce > 0 && editsOfRow > 0;
  return thereAndBack || scenario.direction !== undefined ? -1 : 0;
}
