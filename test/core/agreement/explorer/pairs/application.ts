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
        // Its own locking lets no form be saved after that.
        const set = {
          ...after,
          queued: true,
          form: undefined,
          lockVersion: world.lockVersion + 1,
          row: withValue(row, field, value, edit),
        };
        made.push({ what: `the application sets ${value}`, world: triggeredInPostgres(scenario, edits, row.x, set) });
        if (left.earlyDecodes === 0) continue;
        const early = { ...spend(after, 'earlyDecodes'), invisible: { field, value, by: edit, queued: true } };
        made.push({ what: `the application sets ${value}, decoded but not visible`, world: early });
      }
    }
  }
  made.push(...formMoves(edits, world));
  if (left.crossings > 0 && !row.deleted) {
    const crossed = { ...spend(world, 'crossings'), queued: true, outside: !world.outside };
    made.push({ what: `the row ${world.outside ? 'comes back into' : 'leaves'} the filter`, world: crossed });
  }
  if (left.deletesOfRow > 0) made.push(deletesOrInserts(scenario, edits, world));
  return made;
}

/** A form: read, and saved as a whole with an edit of x. Nothing asks whether the row is still as it was read. */
function formMoves(edits: Edits, world: World): Move[] {
  const { row, form, left, lockVersion } = world;
  if (row.deleted) return [];
  if (form === undefined) {
    if (left.staleWrites === 0) return [];
    return [
      { what: 'the application reads the row', world: { ...spend(world, 'staleWrites'), form: { row, lockVersion } } },
    ];
  }
  const { world: edited, edit } = edits.make(world, 'application', lineage(world, form.row.xBy));
  const written = { ...form.row, life: row.life };
  const saved = {
    ...edited,
    form: undefined,
    lockVersion: form.lockVersion + 1,
    editedAt: world.clock,
    refused: '',
    queued: true,
    row: withValue(written, 'x', `x${edit}`, edit),
  };
  return [{ what: `the application saves the row as it has read it, with x${edit}`, world: saved }];
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
