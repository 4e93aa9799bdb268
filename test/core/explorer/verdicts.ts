/** What must never be true. */
import { FIELDS, fieldsOf, lineage, type Scenario, type World } from './world.ts';

export type Violation =
  | 'the sides differ for good'
  | 'an edit was lost'
  | 'an edit was lost that a file had shown'
  | 'a conflict between a value and its own successor'
  | 'an echo'
  | 'more writes than edits'
  | 'writes without end';

/** Nothing is left to happen but new edits. */
export function isQuiet({ step, queued, link, polled, invisible, arrivals, flights }: World): boolean {
  const busy = step.at !== 'idle' || queued || !polled || invisible !== undefined;
  return !busy && !link.dirty && !link.rereadDue && link.push === undefined && arrivals.length + flights.length === 0;
}

export function violations(scenario: Scenario, world: World): Violation[] {
  const found: Violation[] = [];
  // Documented: a push whose outcome is unknown, and then an edit, is logged as a conflict although it was a sequence.
  const unknown = (world.used.crashes ?? 0) + (world.used.lostAnswers ?? 0) > 0;
  if (world.falseConflict && !unknown) found.push('a conflict between a value and its own successor');
  if (world.echo) found.push('an echo');
  if (world.writes > 8) found.push('writes without end');
  const { used } = world;
  const edits = (used.editsOfRow ?? 0) + (used.deletesOfRow ?? 0) + (used.crossings ?? 0);
  const allowed = edits + world.excuses + (used.lostAnswers ?? 0) + (scenario.trigger === undefined ? 0 : edits);
  if (world.writes > allowed) found.push('more writes than edits');
  if (isQuiet(world)) found.push(...atRest(scenario, world));
  return found;
}

function atRest(scenario: Scenario, world: World): Violation[] {
  const { salesforce, row } = world;
  const outside = world.outside && !row.deleted;
  const live = !salesforce.deleted || !row.deleted;
  // Outside the filter the sides may differ; a record whose row has left it is deleted unless
  // somebody has brought one of them back.
  const { deletesInSalesforce = 0, deletesOfRow = 0 } = world.used;
  const left = scenario.leaving === 'delete' && deletesInSalesforce + deletesOfRow === 0;
  const agree = outside
    ? !left || salesforce.deleted
    : salesforce.deleted === row.deleted &&
      (!live || FIELDS.every((field) => fieldsOf(salesforce)[field] === fieldsOf(row)[field]));
  const { refused } = world.link;
  const listed = Object.keys(refused.fields).length > 0 || refused.deleted !== undefined;
  if (!agree) return listed ? [] : ['the sides differ for good'];
  const inSalesforce = outside && salesforce.deleted ? [] : [salesforce.x, salesforce.y];
  const values = live ? [...inSalesforce, row.x, row.y] : [];
  // A revive undoes the delete before it, and what it returns to no comparison of values can see.
  const undone = world.ancestors.reduce((all, seen, edit) => ((world.revives >> edit) & 1 ? all | seen : all), 0);
  const kept = world.logged | undone | lineage(world, salesforce.life, row.life, ...values) | 1;
  const lost = ((1 << world.ancestors.length) - 1) & ~kept;
  const excused = scenario.noWindow === true ? 0 : world.window;
  return [
    ...((lost & ~excused) !== 0 ? (['an edit was lost'] as const) : []),
    ...((lost & excused & world.shown) !== 0 ? (['an edit was lost that a file had shown'] as const) : []),
  ];
}
