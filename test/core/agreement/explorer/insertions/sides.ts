/** What happens to a new row and its records without sfsync: the application, people, and upserts that land. */
import {
  type Budget,
  closure,
  idOf,
  lineage,
  newEdit,
  type OrgRecord,
  type Row,
  type Scenario,
  type World,
} from './world.ts';

export interface Move {
  readonly what: string;
  readonly world: World;
}

export function may(scenario: Scenario, world: World, budget: Budget): boolean {
  return (world.used[budget] ?? 0) < (scenario[budget] ?? 0);
}

export function spend(world: World, budget: Budget): World {
  return { ...world, used: { ...world.used, [budget]: (world.used[budget] ?? 0) + 1 } };
}

export function withRow(world: World, key: string, row: Row | undefined): World {
  const { [key]: _, ...others } = world.rows;
  return { ...world, rows: row === undefined ? others : { ...others, [key]: row } };
}

export function withRecord(world: World, index: number, record: Omit<OrgRecord, 'stamp' | 'unpolled'>): World {
  const records = [...world.records];
  records[index] = { ...record, stamp: world.clock, unpolled: true };
  return { ...world, records };
}

export function application(scenario: Scenario, world: World): Move[] {
  const made: Move[] = [];
  const row = world.rows.k;
  if (row === undefined && may(scenario, world, 'inserts')) {
    const { world: edited, edit } = newEdit(spend(world, 'inserts'), world.ancestors[world.deletedBy] ?? 0);
    const next = withRow(edited, 'k', { x: `e${edit}`, y: null, life: edit, id: undefined });
    made.push({ what: 'the application inserts the row', world: { ...next, queued: true } });
  }
  if (row !== undefined && may(scenario, world, 'editsOfRow')) {
    for (const field of ['x', 'y'] as const) {
      const { world: edited, edit } = newEdit(spend(world, 'editsOfRow'), lineage(world, row[field]));
      const next = withRow(edited, 'k', { ...row, [field]: `e${edit}` });
      made.push({ what: `the application edits ${field}`, world: { ...next, queued: true } });
    }
  }
  if (row !== undefined && may(scenario, world, 'deletesOfRow')) {
    const { world: edited, edit } = newEdit(spend(world, 'deletesOfRow'), closure(world, row));
    const next = { ...withRow(edited, 'k', undefined), deletedBy: edit, queued: true };
    made.push({ what: 'the application deletes the row', world: next });
  }
  return made;
}

export function people(scenario: Scenario, world: World): Move[] {
  const made: Move[] = [];
  if (world.clock < (scenario.seconds ?? 2)) {
    made.push({ what: 'a second passes', world: { ...world, clock: world.clock + 1 } });
  }
  world.records.forEach((record, index) => {
    if (record.deleted) return;
    if (may(scenario, world, 'editsInSalesforce')) {
      for (const field of ['x', 'y'] as const) {
        const { world: edited, edit } = newEdit(spend(world, 'editsInSalesforce'), lineage(world, record[field]));
        const next = withRecord(edited, index, { ...record, [field]: `e${edit}` });
        made.push({ what: `a person edits ${field} of record ${index}`, world: next });
      }
    }
    if (may(scenario, world, 'deletesInSalesforce')) {
      const { world: edited, edit } = newEdit(spend(world, 'deletesInSalesforce'), closure(world, record));
      const next = withRecord(edited, index, { ...record, deleted: true, life: edit });
      made.push({ what: `a person deletes record ${index}`, world: next });
    }
  });
  // The external id is unique.
  if (may(scenario, world, 'typed') && world.records.every(({ deleted }) => deleted)) {
    const { world: edited, edit } = newEdit(spend(world, 'typed'), 0);
    const record = { x: `e${edit}`, y: null, life: edit, deleted: false, typed: true };
    made.push({ what: 'a person types the key', world: withRecord(edited, world.records.length, record) });
  }
  return made;
}

export function landing(scenario: Scenario, world: World): Move[] {
  return world.flights.flatMap((flight, i): Move[] => {
    const rest = { ...world, flights: world.flights.filter((_, j) => j !== i) };
    const answered = (next: World, answer: 'accepted' | 'refused' | 'unknown', id?: string): World =>
      flight.awaited ? { ...next, step: { at: 'answered', answer: { outcome: answer, id } } } : next;
    const found = world.records.findIndex(({ deleted }) => !deleted);
    const index = found < 0 ? world.records.length : found;
    const landed = upserted(scenario, rest, index, flight);
    const made: Move[] = [{ what: 'the upsert lands', world: answered(landed, 'accepted', idOf(index)) }];
    if (flight.awaited && may(scenario, world, 'lostAnswers')) {
      made.push({
        what: 'the upsert lands, and the answer is lost',
        world: answered(spend(landed, 'lostAnswers'), 'unknown'),
      });
    }
    if (may(scenario, world, 'refusals')) {
      made.push({ what: 'the upsert is refused', world: answered(spend(rest, 'refusals'), 'refused') });
    }
    return made;
  });
}

function upserted(scenario: Scenario, world: World, index: number, { fields, life }: World['flights'][number]): World {
  const before = world.records[index];
  const [x, y] = [fields.x, fields.y].map((value) => (typeof value === 'string' ? value : undefined));
  if (before !== undefined) {
    // The window between the look and the landing: what a user has made in between is overwritten.
    const kept = before.typed ? world.kept | closure(world, before) : world.kept;
    return withRecord({ ...world, kept }, index, { ...before, x: x ?? before.x, y: y ?? before.y });
  }
  const record = { x: x ?? null, y: y ?? null, life, deleted: false, typed: false };
  if (scenario.default !== true || y !== undefined) return withRecord(world, index, record);
  const { world: edited, edit } = newEdit(world, 0);
  return withRecord(edited, index, { ...record, y: `e${edit}` });
}
