/** COLLECT: what becomes of a record, or of a new row, that was chosen because it is due, after a look at its row. */
import type { ObjectMapping } from '../mapping/configuration.ts';
import type { NewRow } from './insertion.ts';
import { missingParents, nextStep } from './insertion.ts';
import type { Link, Pair } from './link.ts';
import {
  afterLook,
  isUnknown,
  mayGo,
  NOTHING_REFUSED,
  nothingRefused,
  outgoing,
  staysUnknown,
  withWaiting,
} from './link.ts';
import type { Parents } from './references.ts';

/** Whether a collected link has anything to do: if not, it is no longer dirty. */
export function isDue(mapping: ObjectMapping, { link, row }: Pair): boolean {
  if (link.push !== undefined || link.rereadDue || link.base === undefined) return true;
  return mayGo(link, outgoing(mapping, link, withWaiting(link, row)));
}

/** COLLECT: the link as it goes on after a look at its row. */
export function collect(mapping: ObjectMapping, { link, row }: Pair): Link {
  const seen = afterLook(mapping, link, withWaiting(link, row));
  return {
    ...seen,
    dirty: isDue(mapping, { link: seen, row }) || isIncomplete(mapping, { link: seen, row }),
    revision: link.revision + 1,
  };
}

/** A field is new in the mapping: what the row holds there may be an edit, and only a look at the record shows it. */
function isIncomplete(mapping: ObjectMapping, { link: { base }, row }: Pair): boolean {
  if (base === undefined || base.deleted || row === undefined || row.outside === true) return false;
  return mapping.fields.some((field) => isUnknown(base, field.field) && !staysUnknown(field, base, row));
}

export interface Chosen {
  readonly link: Link;
  /** due: its record is looked at now. left: it stays due for the next look. done: it is due no longer. */
  readonly step: 'due' | 'left' | 'done';
  /** Salesforce has, or does not have to have, all that the row holds: what was rejected of it is listed no more. */
  readonly agrees: boolean;
}

/** What a look at the row finds beside its values. */
export interface Looked {
  readonly parents: Parents;
  /** The object takes inserts, and the row does not carry the id of its record. */
  readonly lacksId: boolean;
  /** The row holds a value that cannot be sent. */
  readonly isUnsendable: boolean;
}

/** A record whose row does not differ is done; one whose parent is about to get its id is left. */
export function choose(mapping: ObjectMapping, pair: Pair, { parents, lacksId, isUnsendable }: Looked): Chosen {
  const link = collect(mapping, pair);
  const isDue = link.dirty || (lacksId && link.base?.deleted === false) || parents === 'linked';
  const step = isDue ? 'due' : parents === 'locked' ? 'left' : 'done';
  const agrees = step === 'done' && !isUnsendable && nothingRefused(mapping, { link, row: pair.row });
  // What was refused is no more in the row: should it come back, it is tried, and listed, again.
  const refused = agrees ? NOTHING_REFUSED : link.refused;
  return { link: { ...link, refused, dirty: step !== 'done' }, step, agrees };
}

/**
 * What is to be done about a new row. look, drop, rest: see `nextStep`. again: a parent has got its id since the row was read; the
 * next round reads it with that. left: it stays due for the next look, for a parent is about to get its id.
 */
export type InsertionStep = ReturnType<typeof nextStep> | 'again' | 'left';

export function chooseInsertion(mapping: ObjectMapping, newRow: NewRow, parents: Parents): InsertionStep {
  const step = nextStep(mapping, newRow);
  const waits = step === 'rest' && newRow.row !== undefined && missingParents(mapping, newRow.row).length > 0;
  if (!waits || parents === 'as read') return step;
  return parents === 'linked' ? 'again' : 'left';
}
