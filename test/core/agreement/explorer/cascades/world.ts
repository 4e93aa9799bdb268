/**
 * A parent whose row the application deletes after it has freed its child, or deleted it, in the same transaction. Each of the two
 * has its own queue and its own executions; Salesforce deletes a child along with its parent.
 */

import { choose } from '../../../../../core/agreement/collect.ts';
import { becomesDue } from '../../../../../core/agreement/due.ts';
import type { Link, RowVersion } from '../../../../../core/agreement/link.ts';
import { newLink } from '../../../../../core/agreement/link.ts';
import { decide, settle } from '../../../../../core/agreement/outbound.ts';
import { isInTheWay, waitForChildren } from '../../../../../core/agreement/references.ts';
import { defineSync, mappingOf, reference, text } from '../../../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../../../core/mapping/salesforce-version.ts';
import type { Space } from '../pairs/explore.ts';

export interface Scenario {
  readonly application: 'frees the child' | 'deletes the child';
  /** Salesforce never takes the child's push. */
  readonly refuses?: boolean;
}

export interface Rules {
  readonly isInTheWay: typeof isInTheWay;
  readonly waitForChildren: typeof waitForChildren;
}
export const RULES: Rules = { isInTheWay, waitForChildren };

const PARENT = '001000000000001AAA';
const CHILD = '003000000000001AAA';
const configuration = defineSync({
  objects: {
    Parent: { table: 'parents', delivery: 'api', fields: { Name: text('name') } },
    Child: { table: 'children', delivery: 'api', fields: { l: reference('parent_id', 'Parent') } },
  },
});
const children = mappingOf(configuration, 'Child');

interface Record {
  readonly l: string | null;
  readonly deleted: 'no' | 'by itself' | 'along';
}

export interface World {
  readonly edited: boolean;
  readonly queued: { readonly parent: boolean; readonly child: boolean };
  readonly rows: { readonly parent: boolean; readonly child: RowVersion | undefined };
  readonly links: { readonly parent: Link; readonly child: Link };
  readonly parent: 'live' | 'deleted';
  readonly child: Record;
  readonly step: 'idle' | 'pushing' | 'accepted' | 'refused' | 'not applied';
  readonly clock: number;
  /** The parent has waited as long as it does; what then happens is listed. */
  readonly waitedInVain: boolean;
}

function pair(id: string, key: string, fields: { readonly [field: string]: string }): Link {
  return { ...newLink(id, key), base: { deleted: false, fields }, highWater: 0, wasInside: true };
}

const START: World = {
  edited: false,
  queued: { parent: false, child: false },
  rows: { parent: true, child: { fields: { l: PARENT } } },
  links: { parent: pair(PARENT, 'p', { Name: 'P' }), child: pair(CHILD, 'c', { l: PARENT }) },
  parent: 'live',
  child: { l: PARENT, deleted: 'no' },
  step: 'idle',
  clock: 1,
  waitedInVain: false,
};

interface Move {
  readonly what: string;
  readonly world: World;
}

export function cascadeSpace(scenario: Scenario, rules: Partial<Rules> = {}): Space<World> {
  return {
    start: START,
    moves: (world) => moves(scenario, { ...RULES, ...rules }, world),
    identity: ({ links: { parent, child }, clock: _, ...world }) =>
      JSON.stringify([world, parent.dirty, parent.retries, child.dirty, child.push, child.base, child.refused]),
    violations,
  };
}

function moves(scenario: Scenario, rules: Rules, world: World): Move[] {
  const { queued, links } = world;
  const made: Move[] = [];
  if (!world.edited) {
    const child = scenario.application === 'frees the child' ? { fields: { l: null } } : undefined;
    const rows = { parent: false, child };
    made.push({
      what: 'the application commits',
      world: { ...world, edited: true, rows, queued: { parent: true, child: true } },
    });
  }
  for (const which of ['parent', 'child'] as const) {
    if (!queued[which]) continue;
    const due = { ...links, [which]: becomesDue(links[which], 'row changed') };
    made.push({ what: `${which} received`, world: { ...world, queued: { ...queued, [which]: false }, links: due } });
  }
  if (links.parent.dirty) made.push(deletes(rules, world));
  made.push(...ofChild(scenario, world));
  return made.map(({ what, world: next }) => ({ what, world: { ...next, clock: world.clock + 1 } }));
}

/** The parent's Collect, and in one move with it all that follows where it is chosen. */
function deletes(rules: Rules, world: World): Move {
  const { rows, links, child } = world;
  const { base, push, dirty, waiting, refused } = links.child;
  const names = base?.deleted === false && base.fields.l === PARENT;
  const found = {
    isDue: dirty || push !== undefined,
    isGone: rows.child === undefined,
    pointsTo: rows.child?.fields.l === PARENT ? 'p' : null,
    waits: 'l' in waiting,
    stays: rows.child === undefined ? refused.deleted === true : 'l' in refused.fields,
  };
  const field = children.fields[0];
  if (field === undefined) throw new Error('the child has no lookup');
  const later = rules.waitForChildren(links.parent, world.clock);
  const inTheWay = names && rules.isInTheWay(children, field, found, 'p');
  if (inTheWay && later !== undefined) {
    return { what: 'the parent is put off', world: { ...world, links: { ...links, parent: later } } };
  }
  const along = child.deleted === 'no' && child.l === PARENT;
  const after: Record = along ? { ...child, deleted: 'along' } : child;
  const parent: Link = { ...links.parent, dirty: false, base: { deleted: true, fields: {} } };
  return {
    what: 'the parent is deleted',
    world: { ...world, parent: 'deleted', child: after, waitedInVain: inTheWay, links: { ...links, parent } },
  };
}

function versionOf({ child, clock }: World): SalesforceVersion {
  return { id: CHILD, deleted: child.deleted !== 'no', mergedInto: undefined, stamp: clock, fields: { l: child.l } };
}

function ofChild(scenario: Scenario, world: World): Move[] {
  const { step, links, rows, child, clock } = world;
  const now = { link: links.child, row: rows.child };
  const put = (link: Link, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    links: { ...links, child: link },
  });
  if (step === 'idle') {
    if (!links.child.dirty) return [];
    const looked = { parents: 'as read', lacksId: false, isUnsendable: false } as const;
    const chosen = choose(children, now, looked);
    if (chosen.step !== 'due') return [{ what: 'the child does not differ', world: put(chosen.link) }];
    const round = { revision: chosen.link.revision, readAt: clock, pushId: 'push', now: clock, clockSkew: 0 };
    const decision = decide(children, { ...now, link: chosen.link }, versionOf(world), round);
    if (decision.outcome === 'left') return [];
    const pushing = decision.outcome === 'push' ? ('pushing' as const) : step;
    return [{ what: `the child: ${decision.outcome}`, world: put(decision.link, { step: pushing }) }];
  }
  if (step === 'pushing') {
    const { sentDeleted, sent = {} } = links.child.push ?? {};
    const revives = sentDeleted === false;
    if (scenario.refuses === true || (revives && child.deleted === 'along'))
      return [{ what: 'refused', world: { ...world, step: 'refused' } }];
    if (child.deleted !== 'no' && !revives) return [{ what: 'not applied', world: { ...world, step: 'not applied' } }];
    const l = sent.l === undefined ? child.l : (sent.l.value as string | null);
    const after: Record = { l, deleted: sentDeleted === true ? 'by itself' : 'no' };
    return [{ what: 'the push of the child lands', world: { ...world, child: after, step: 'accepted' } }];
  }
  const settled = settle(children, now, versionOf(world), step, { revision: links.child.revision, readAt: clock });
  if (settled.outcome === 'again') return [];
  return [
    {
      what: `the child is settled: ${step}`,
      world: put(settled.link, { step: 'idle', rows: { ...rows, child: settled.row } }),
    },
  ];
}

export type Violation = 'a child was deleted along' | 'the parent waits for good';

function violations(world: World): Violation[] {
  const { edited, queued, links, step, child, rows, parent } = world;
  const found: Violation[] = [];
  const isRefused = links.child.refused.deleted !== undefined || links.child.refused.fields.l !== undefined;
  if (child.deleted === 'along' && !isRefused && !world.waitedInVain) {
    found.push('a child was deleted along');
  }
  const quiet = edited && !queued.parent && !queued.child && !links.child.dirty && step === 'idle';
  if (quiet && parent === 'live' && !links.parent.dirty && !rows.parent) found.push('the parent waits for good');
  return found;
}
