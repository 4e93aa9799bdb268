/** COLLECT: what becomes of a record that was chosen because it is due, after a look at its row. */
import type { ObjectMapping } from '../mapping/configuration.ts';
import type { Link, Pair } from './link.ts';
import { NOTHING_REFUSED, nothingRefused } from './link.ts';
import { collect } from './outbound.ts';
import type { Parents } from './references.ts';

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
