/**
 * Which row is a record's, where the application has changed keys, or moved Salesforce ids from row to row: the row that
 * carries the record's id. A link's key is only how it finds that row.
 */
import type { ObjectMapping } from '../mapping/configuration.ts';
import { becomesDue } from './due.ts';
import type { Link } from './link.ts';
import { newLink } from './link.ts';

/**
 * A link whose row was given to another record, while no row carries its own id. That its row was deleted nothing says, so
 * its record is not: it is read as one of which nothing is known, and gets a row.
 */
export function withoutRow(link: Link): Link {
  if (link.base?.deleted === true) return { ...link, rowKey: undefined };
  const { revision, highWater, appliedAt } = link;
  const unknown = newLink(link.salesforceId, undefined);
  return { ...unknown, revision, highWater, appliedAt, dirty: true, rereadDue: true };
}

/**
 * A link whose row is found under another key. The external id of its record follows the key of the row (`changedKey`): the base
 * remembers which one the record had been given. That it has it, the next look has to show.
 */
export function underKey({ externalIdField }: ObjectMapping, link: Link, rowKey: string | undefined): Link {
  const { base, rowKey: former } = link;
  if (former === rowKey) return link;
  const isNews = externalIdField !== undefined && base !== undefined && former !== undefined;
  if (!isNews || base.fields[externalIdField] !== undefined) return { ...link, rowKey };
  return { ...link, rowKey, base: { ...base, fields: { ...base.fields, [externalIdField]: former } } };
}

/**
 * A link whose key another record's link takes over, because the row under it carries that record's id. `rowIsElsewhere`: a
 * row under another key carries this record's own id; the next look finds it there.
 */
export function letGo(mapping: ObjectMapping, link: Link, rowIsElsewhere: boolean): Link {
  const isKnown = rowIsElsewhere || link.base?.deleted === true;
  return isKnown
    ? underKey(mapping, becomesDue(link, 'row changed'), undefined)
    : { ...withoutRow(link), revision: link.revision + 1 };
}

/**
 * A row without a Salesforce id has come under the key of this link. Where its record is deleted the application has
 * inserted a new row, and does not mean that record. undefined: the link keeps its key.
 */
export function giveUpKey(link: Link): Link | undefined {
  if (link.base?.deleted !== true || link.push !== undefined) return undefined;
  return { ...link, rowKey: undefined, revision: link.revision + 1 };
}
