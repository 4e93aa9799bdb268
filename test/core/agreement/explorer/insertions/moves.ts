/** Everything that can happen next to a new row. sfsync's moves call the functions of core/ and nothing else. */

import { choose, chooseInsertion } from '../../../../../core/agreement/collect.ts';
import { becomesDue, NOT_PUT_OFF } from '../../../../../core/agreement/due.ts';
import { acceptReread, receive } from '../../../../../core/agreement/inbound.ts';
import type { NamedRecord } from '../../../../../core/agreement/insertion.ts';
import {
  adopt,
  atRest,
  decideInsertion,
  passOver,
  receiveAdopted,
  refusedInsertion,
  settleInsertion,
} from '../../../../../core/agreement/insertion.ts';
import type { Link, RowVersion } from '../../../../../core/agreement/link.ts';
import { newLink } from '../../../../../core/agreement/link.ts';
import type { Merged } from '../../../../../core/agreement/merge.ts';
import { decide, settle } from '../../../../../core/agreement/outbound.ts';
import { giveUpKey } from '../../../../../core/agreement/row-identity.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';
import { application, landing, type Move, may, people, spend, withRecord, withRow } from './sides.ts';
import {
  at,
  closure,
  idOf,
  indexOf,
  mapping,
  named,
  type OrgRecord,
  rowVersion,
  type Scenario,
  versionOf,
  type World,
} from './world.ts';

/** The functions of core/ that are called, and what the steps around them keep. */
export interface Rules {
  readonly adopt: typeof adopt;
  readonly receiveAdopted: typeof receiveAdopted;
  readonly passOver: typeof passOver;
  readonly choose: typeof chooseInsertion;
  readonly decide: typeof decideInsertion;
  readonly settle: typeof settleInsertion;
  /** An open upsert is collected only when nothing of it can land any more. */
  readonly fenced: boolean;
  /** A file's record that names a row becomes the record of that row. */
  readonly filesAdopt: boolean;
}

export const RULES: Rules = {
  adopt,
  receiveAdopted,
  passOver,
  choose: chooseInsertion,
  decide: decideInsertion,
  settle: settleInsertion,
  fenced: true,
  filesAdopt: true,
};

const CLOCK_SKEW_MS = 0;
const PUSH = 'push';

export function moves(scenario: Scenario, rules: Rules, world: World): Move[] {
  return [
    ...application(scenario, world),
    ...people(scenario, world),
    ...files(scenario, rules, world),
    ...landing(scenario, world),
    ...outbound(scenario, rules, world),
  ];
}

function withLink(world: World, link: Link): World {
  const others = world.links.filter(({ salesforceId }) => salesforceId !== link.salesforceId);
  return { ...world, links: [...others, link].sort((a, b) => (a.salesforceId < b.salesforceId ? -1 : 1)) };
}

function linkOfKey(world: World, key: string): Link | undefined {
  return world.links.find(({ rowKey }) => rowKey === key);
}

function files(scenario: Scenario, rules: Rules, world: World): Move[] {
  const made: Move[] = [];
  world.records.forEach((record, index) => {
    if (!record.unpolled || world.files.length >= 2) return;
    const records = world.records.map((each, i) => (i === index ? { ...each, unpolled: false } : each));
    const next = { ...world, records, files: [...world.files, versionOf(world, index)] };
    made.push({ what: `a poll finds record ${index}`, world: next });
  });
  world.files.forEach((file, i) => {
    const rest = { ...world, files: world.files.filter((_, j) => j !== i) };
    made.push({ what: `a file shows ${file.id}`, world: applied(rules, rest, file) });
    if (may(scenario, world, 'duplicates')) {
      made.push({ what: `a file shows ${file.id}, twice`, world: applied(rules, spend(world, 'duplicates'), file) });
    }
  });
  return made;
}

/** A record of a file. Nothing is known of when it was read, so that what is in doubt is read again at once. */
function applied(rules: Rules, world: World, version: SalesforceVersion): World {
  const known = world.links.find(({ salesforceId }) => salesforceId === version.id);
  if (known === undefined && version.deleted) {
    const { insertion } = world;
    return { ...world, insertion: insertion && rules.passOver(insertion) };
  }
  const row = world.rows.k;
  const push = world.insertion?.push;
  const isNamed = row === undefined ? push !== undefined : row.id === undefined;
  const adopts = known === undefined && isNamed && rules.filesAdopt;
  const pair = adopts
    ? rules.adopt(mapping, push, 'k', rowVersion(row), version)
    : {
        link: known ?? newLink(version.id, undefined),
        row: known?.rowKey === undefined ? undefined : rowVersion(world.rows[known.rowKey]),
      };
  const merged = receive(mapping, pair, version, at(world.clock) - 3000);
  const received = adopts ? rules.receiveAdopted(merged) : merged;
  const next = adopts ? adopted(world, received) : written(world, received);
  return received.outcome === 'reread' ? reread(next, version.id) : next;
}

function reread(world: World, id: string): World {
  const link = world.links.find(({ salesforceId }) => salesforceId === id);
  if (link === undefined) return world;
  const row = link.rowKey === undefined ? undefined : rowVersion(world.rows[link.rowKey]);
  const round = { revision: link.revision, readAt: at(world.clock) };
  const result = acceptReread(mapping, { link, row }, versionOf(world, indexOf(id)), round);
  return result.outcome === 'again' ? world : written(world, result);
}

/** A pair that begins: what an edit of a user overwrites in the first merge of a typed record does not count as lost. */
function adopted(world: World, merged: Merged): World {
  const row = world.rows.k;
  const typed = world.records[indexOf(merged.link.salesforceId)]?.typed === true;
  const kept = typed && row !== undefined ? closure(world, row) : 0;
  return written({ ...world, insertion: undefined, kept: world.kept | kept }, merged);
}

/** Writes a merged pair. The row gets, or keeps, the id of its record. */
function written(world: World, { link, row, conflicts }: Merged): World {
  const index = indexOf(link.salesforceId);
  const record = world.records[index];
  const key = link.rowKey ?? freeKey(world);
  const before = world.rows[key];
  if (record === undefined) throw new RangeError(`There is no record ${index}`);
  const losers = conflicts.length === 0 ? 0 : closure(world, record) | (before ? closure(world, before) : 0);
  const lives = conflicts.some(({ field }) => field === undefined) ? (world.ancestors[world.deletedBy] ?? 0) : 0;
  const next = { ...world, kept: world.kept | losers | lives };
  if (row === undefined) {
    const deletedBy = key === 'k' && before !== undefined ? record.life : world.deletedBy;
    const linked = withLink(withRow(next, key, undefined), link);
    return { ...linked, deletedBy };
  }
  const life = before?.life ?? record.life;
  const made = withRow(next, key, { x: textOf(row, 'x'), y: textOf(row, 'y'), life, id: link.salesforceId });
  return withLink(made, { ...link, rowKey: key });
}

function freeKey(world: World): string {
  return `k${Object.keys(world.rows).length + 2}`;
}

function textOf(row: RowVersion, field: string): string | null {
  const value = row.fields[field];
  return typeof value === 'string' ? value : null;
}

function outbound(scenario: Scenario, rules: Rules, world: World): Move[] {
  const { step } = world;
  if (step.at === 'idle') return [...receiving(world), ...collecting(rules, world), ...linkRounds(world)];
  const made: Move[] = [];
  if (may(scenario, world, 'crashes')) {
    const flights = world.flights.map((flight) => ({ ...flight, awaited: false }));
    made.push({ what: 'a crash', world: { ...spend(world, 'crashes'), step: { at: 'idle' }, flights } });
  }
  const readAt = at(world.clock);
  if (step.at === 'collected') {
    made.push({
      what: 'the look',
      world: { ...world, step: { at: 'looked', look: named(world), readAt, revision: world.insertion?.revision ?? 0 } },
    });
  }
  if (step.at === 'looked') made.push({ what: 'decide', world: decided(rules, world, step) });
  if (step.at === 'decided') {
    const life = world.rows.k?.life ?? world.deletedBy;
    const flights = [...world.flights, { fields: step.fields, life, awaited: true }];
    const next: World = { ...world, step: { at: 'pushing' }, flights, upserts: world.upserts + 1 };
    made.push({ what: 'the upsert is sent', world: next });
  }
  if (step.at === 'answered') {
    const { answer } = step;
    const revision = world.insertion?.revision ?? 0;
    const back = (readBack: NamedRecord | undefined): World['step'] => ({
      at: 'read back',
      answer,
      readBack,
      readAt,
      revision,
    });
    made.push({ what: 'the read-back', world: { ...world, step: back(named(world)) } });
    if (may(scenario, world, 'blindReads')) {
      made.push({ what: 'a blind read-back', world: { ...spend(world, 'blindReads'), step: back(undefined) } });
    }
  }
  if (step.at === 'read back') made.push({ what: 'settle', world: settled(rules, world, step) });
  return made;
}

function receiving(world: World): Move[] {
  if (!world.queued) return [];
  let next: World = { ...world, queued: false };
  const row = world.rows.k;
  const link = linkOfKey(world, 'k');
  if (link !== undefined) {
    const isNewRow = row !== undefined && row.id === undefined;
    next = withLink(next, (isNewRow ? giveUpKey(link) : undefined) ?? becomesDue(link, 'row changed'));
  }
  const isNew = row !== undefined && row.id === undefined && linkOfKey(next, 'k') === undefined;
  const known = next.insertion;
  if (known !== undefined) next = { ...next, insertion: { ...known, dirty: true } };
  else if (isNew)
    next = {
      ...next,
      insertion: { rowKey: 'k', revision: 0, dirty: true, push: undefined, refused: undefined, ...NOT_PUT_OFF },
    };
  return [{ what: 'the key is received', world: next }];
}

function collecting(rules: Rules, world: World): Move[] {
  const { insertion } = world;
  if (insertion === undefined || !(insertion.dirty || insertion.push !== undefined)) return [];
  if (rules.fenced && insertion.push !== undefined && world.flights.length > 0) return [];
  const step = rules.choose(mapping, { insertion, row: rowVersion(world.rows.k) }, 'as read');
  const next: World =
    step === 'look'
      ? { ...world, step: { at: 'collected' } }
      : { ...world, insertion: step === 'drop' ? undefined : atRest(insertion) };
  return [{ what: `collected: ${step}`, world: next }];
}

function decided(
  rules: Rules,
  world: World,
  { look, readAt, revision }: Extract<World['step'], { at: 'looked' }>,
): World {
  const idle: World = { ...world, step: { at: 'idle' } };
  const { insertion } = world;
  if (insertion === undefined) return idle;
  const round = { revision, readAt, clockSkewMs: CLOCK_SKEW_MS, pushId: PUSH, now: at(world.clock) };
  const found = look && { ...look, isLinked: isLinked(world, look.version.id) };
  const decision = rules.decide(mapping, { insertion, row: rowVersion(world.rows.k) }, found, round);
  switch (decision.outcome) {
    case 'adopted':
      return paired(idle, decision);
    case 'left':
      return idle;
    case 'dropped':
      return { ...idle, insertion: undefined };
    case 'rest':
      return { ...idle, insertion: decision.insertion };
    default:
      return { ...idle, insertion: decision.insertion, step: { at: 'decided', fields: decision.fields } };
  }
}

function settled(rules: Rules, world: World, step: Extract<World['step'], { at: 'read back' }>): World {
  const { answer, readBack, readAt, revision } = step;
  const idle: World = { ...world, step: { at: 'idle' } };
  const { insertion } = world;
  if (insertion?.push === undefined) return idle;
  const round = { revision, readAt, clockSkewMs: CLOCK_SKEW_MS };
  // Whether the record is known is asked when it is settled.
  const found = readBack && { ...readBack, isLinked: isLinked(world, readBack.version.id) };
  const result = rules.settle(mapping, { insertion, row: rowVersion(world.rows.k) }, found, answer, round);
  if (result.outcome === 'adopted') return paired(idle, result);
  if (result.outcome === 'again') return { ...world, step: { at: 'answered', answer } };
  return result.outcome === 'closed' ? { ...idle, insertion: result.insertion } : idle;
}

function isLinked(world: World, id: string): boolean {
  return world.links.some(({ salesforceId }) => salesforceId === id);
}

/** As the steps around the rules do it: a record or row that is another's by now is left alone. */
function paired(world: World, merged: Merged): World {
  const { link } = merged;
  const known = world.links.find(({ salesforceId }) => salesforceId === link.salesforceId);
  const own = world.rows.k?.id;
  if (known?.rowKey === 'k' || (own !== undefined && own !== link.salesforceId))
    return { ...world, insertion: undefined };
  if (known === undefined) return adopted(world, merged);
  const { insertion } = world;
  const row = rowVersion(world.rows.k);
  return { ...world, insertion: insertion && refusedInsertion(mapping, { insertion, row }) };
}

/** From look to settle at once: nothing comes in between. */
function linkRounds(world: World): Move[] {
  return world.links.flatMap((stored): Move[] => {
    if (!(stored.dirty || stored.rereadDue)) return [];
    const row = stored.rowKey === undefined ? undefined : rowVersion(world.rows[stored.rowKey]);
    const lacksId = row !== undefined && row.salesforceId === undefined;
    const looked = { parents: 'as read', lacksId, isUnsendable: false } as const;
    const { link, step } = choose(mapping, { link: stored, row }, looked);
    if (step === 'done') return [{ what: `${link.salesforceId} does not differ`, world: withLink(world, link) }];
    const index = indexOf(link.salesforceId);
    const now = at(world.clock);
    const round = { revision: link.revision, readAt: now, pushId: PUSH, now, clockSkew: CLOCK_SKEW_MS };
    const decision = decide(mapping, { link, row }, versionOf(world, index), round);
    if (decision.outcome === 'left') return [];
    let next = written(world, decision);
    if (decision.outcome === 'push') next = pushed(next, index, decision.push.outgoing, decision);
    return [{ what: `a round for ${link.salesforceId}`, world: next }];
  });
}

function pushed(
  world: World,
  index: number,
  outgoing: Extract<ReturnType<typeof decide>, { outcome: 'push' }>['push']['outgoing'],
  decision: Merged,
): World {
  const record = world.records[index];
  if (record === undefined) return world;
  const fields = outgoing.kind === 'update' || outgoing.kind === 'revive' ? outgoing.fields : {};
  const life = outgoing.kind === 'delete' ? world.deletedBy : record.life;
  const deleted = outgoing.kind === 'update' ? record.deleted : outgoing.kind !== 'revive';
  const next = withRecord(world, index, { ...record, ...fields, life, deleted } as OrgRecord);
  const link = next.links.find(({ salesforceId }) => salesforceId === idOf(index));
  if (link === undefined) return next;
  const row = link.rowKey === undefined ? undefined : rowVersion(next.rows[link.rowKey]);
  const round = { revision: link.revision, readAt: at(next.clock) };
  const open = { ...link, push: decision.link.push };
  const result = settle(mapping, { link: open, row }, versionOf(next, index), 'accepted', round);
  return result.outcome === 'again' ? next : { ...written(next, result), upserts: next.upserts + 1 };
}
