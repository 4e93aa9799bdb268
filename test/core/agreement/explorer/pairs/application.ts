/** The application, which edits the row, and the change queue, which names its key. */
import { inColumn } from '../rounding/rounding.ts';
import { type Edits, lineage, valuesFor } from './edits.ts';
import type { Move } from './moves.ts';
import { editable, toggled } from './people.ts';
import type { Scenario } from './scenario.ts';
import { by, spend, type World, withValue } from './world.ts';

export function application(scenario: Scenario, edits: Edits, world: World): Move[] {
  const { row, invisible, left } = world;
  if (invisible !== undefined) {
    const { field, value, by: edit, queued } = invisible;
    const visible = { ...world, invisible: undefined, queued: world.queued || queued };
    return [{ what: 'the commit becomes visible', world: { ...visible, row: withValue(row, field, value, edit) } }];
  }
  const made: Move[] = [];
  if (left.editsOfRow > 0 && !row.deleted) {
    for (const field of editable(scenario, world)) {
      const seen = lineage(world, by(row, field));
      const { world: edited, edit } = edits.make(spend(world, 'editsOfRow'), 'application', seen);
      const after = { ...edited, editedAt: world.clock, refused: '' };
      for (const given of valuesFor(scenario, field, edit, row[field])) {
        const value = inColumn(scenario.rounds, field, given);
        if (value === row[field]) continue;
        const set = { ...after, queued: true, row: withValue(row, field, value, edit) };
        made.push({ what: `the application sets ${value}`, world: triggeredInPostgres(scenario, edits, row.x, set) });
        if (left.earlyDecodes === 0) continue;
        const early = { ...spend(after, 'earlyDecodes'), invisible: { field, value, by: edit, queued: true } };
        made.push({ what: `the application sets ${value}, decoded but not visible`, world: early });
      }
    }
  }
  if (left.crossings > 0 && !row.deleted) {
    const crossed = { ...spend(world, 'crossings'), queued: true, outside: !world.outside };
    made.push({ what: `the row ${world.outside ? 'comes back into' : 'leaves'} the filter`, world: crossed });
  }
  if (left.deletesOfRow > 0) made.push(deletesOrInserts(scenario, edits, world));
  return made;
}

function deletesOrInserts(scenario: Scenario, edits: Edits, world: World): Move {
  const { row } = world;
  const before = { ...spend(world, 'deletesOfRow'), queued: true, refused: '' };
  const { world: changed, side } = toggled(edits, before, 'row');
  if (!row.deleted) return { what: 'the application deletes the row', world: { ...changed, row: side } };
  const { world: edited, edit } = edits.make(changed, 'application inserts', lineage(world, row.life));
  const inserted = withValue(side, 'x', inColumn(scenario.rounds, 'x', `x${edit}`), edit);
  return { what: `the application inserts the row again with x${edit}`, world: { ...edited, row: inserted } };
}

/** What a trigger of the application's makes of a row whose x has changed from `before`. */
export function triggeredInPostgres({ trigger }: Scenario, edits: Edits, before: string, world: World): World {
  const { row } = world;
  const value = `y!${row.x}`;
  if (trigger !== 'in Postgres' || row.deleted || row.x === before || row.y === value) return world;
  const { world: edited, edit } = edits.make(world, 'trigger', lineage(world, row.yBy));
  return { ...edited, row: withValue(row, 'y', value, edit) };
}
