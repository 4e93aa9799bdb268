/**
 * The three-way merge. Both directions go through it: base is what Salesforce last held, S what it holds now, p the row.
 * A field that only one side changed takes that side's value; one that both changed is a conflict, which the field's
 * policy decides and the log keeps. The order of the rules in `mergeField` matters: `docs/agreement.md` says why each is there.
 */
import type { CanonicalValue, RowValue, RowValues } from '../mapping/canonical.ts';
import type { ConflictPolicy, FieldMapping, ObjectMapping } from '../mapping/configuration.ts';
import { isLookup } from '../mapping/lookups.ts';
import type { SalesforceVersion } from '../mapping/salesforce-version.ts';
import { wholeRecord } from '../mapping/whole-record.ts';
import { fieldsInColumns, inColumn, inexactAfter, isAtBase, isStored } from './equality.ts';
import type { Base, Link, OpenPush, Pair, RowVersion } from './link.ts';
import { afterLook, isGone, isUnknown, mayGo, outgoing, staysUnknown, stillRefused, withWaiting } from './link.ts';
import { isPutBack, staleValue, withoutStale } from './written.ts';

/** A whole record in a conflict between a delete and an edit. */
export interface RecordState {
  readonly deleted: boolean;
  readonly fields: RowValues;
}

/** Two edits of one thing. Both values are kept in `sfsync.conflict`. */
export interface Conflict {
  /** undefined: the record as a whole, a delete against an edit. */
  readonly field: string | undefined;
  readonly reason:
    | 'both edited'
    | 'deleted and edited'
    | 'push may have been undone'
    | 'edited during our push'
    | 'new in the mapping';
  readonly base: CanonicalValue | RecordState | undefined;
  readonly salesforce: CanonicalValue | RecordState;
  readonly postgres: RowValue | RecordState;
  readonly winner: 'salesforce' | 'postgres';
}

export interface Merged {
  readonly link: Link;
  /** The row as it shall be; undefined: gone. */
  readonly row: RowVersion | undefined;
  readonly conflicts: readonly Conflict[];
}

/**
 * Merges a version of the record into the pair. `unknown`: a push is open, and whether it landed is not known.
 * The answer's link has the new base, `dirty` and `refused`; revision and high-water mark are the caller's.
 */
export function merge(mapping: ObjectMapping, pair: Pair, version: SalesforceVersion, unknown: boolean): Merged {
  const { link } = pair;
  const row = withWaiting(link, pair.row);
  // A record that was deleted before the two were ever linked says nothing about the row that carries its id.
  const isStranger = link.base === undefined && version.deleted;
  if (isStranger && row !== undefined) return { link: { ...link, dirty: false }, row, conflicts: [] };
  const merged =
    link.base === undefined
      ? { row: isStranger ? undefined : firstMerge(mapping, row, version), conflicts: [] }
      : new Merge(mapping, link, link.base, version, unknown).of(row);
  const inexact = inexactAfter(mapping, link, version, merged.row);
  // A record that stays although its row has left does not go for the same reason later.
  const stays = row?.isOthers === true && !version.deleted && merged.conflicts.length > 0;
  const agreed = {
    ...withoutStale(link, row),
    base: baseOf(mapping, link, version, merged.row),
    inexact,
    wasInside: link.wasInside && !stays,
  };
  return { ...merged, link: agree(mapping, agreed, merged.row) };
}

/** The link with `refused` and `dirty` as they follow from its base and the row. */
export function agree(mapping: ObjectMapping, link: Link, row: RowVersion | undefined): Link {
  const seen = afterLook(mapping, link, row);
  const refused = stillRefused(mapping, seen, row);
  const trimmed = refused === seen.refused ? seen : { ...seen, refused };
  const dirty = mayGo(trimmed, outgoing(mapping, trimmed, row));
  return dirty === trimmed.dirty ? trimmed : { ...trimmed, dirty };
}

/** A first version that holds the mapped fields and no others is the base as it stands; nothing has to be copied. */
function baseOf(
  mapping: ObjectMapping,
  link: Pick<Link, 'base' | 'push'>,
  version: SalesforceVersion,
  row: RowVersion | undefined,
): Base {
  const { deleted, fields } = version;
  const { base } = link;
  if (base !== undefined) {
    const known = mapping.fields.filter((field) => !staysUnknown(field, base, row));
    return { deleted, fields: withShown(withFormerKey(mapping, link, version), fields, known) };
  }
  const isWhole = mapping.fields.every(({ field }) => fields[field] !== undefined);
  const isExact = isWhole && Object.keys(fields).length === mapping.fields.length;
  return {
    deleted,
    fields: isExact ? fields : withShown(isWhole ? wholeRecord(mapping) : {}, fields, mapping.fields),
  };
}

/**
 * The base's fields, with the key that the record was given for its row as long as Salesforce shows it, or another one that was sent
 * since. What somebody else has written there stands, and is nothing that we would know.
 */
function withFormerKey(
  { externalIdField }: ObjectMapping,
  { base, push }: Pick<Link, 'base' | 'push'>,
  version: SalesforceVersion,
): Record<string, CanonicalValue> {
  const fields: Record<string, CanonicalValue> = { ...base?.fields };
  const externalId = version.externalId ?? null;
  if (externalIdField === undefined || fields[externalIdField] === undefined) return fields;
  const isOurs = externalId === fields[externalIdField] || externalId === push?.sent[externalIdField]?.value;
  if (isOurs) fields[externalIdField] = externalId;
  else delete fields[externalIdField];
  return fields;
}

/** No version was ever merged: a new row, or a row that already carries the record's id; nothing is logged. */
function firstMerge(mapping: ObjectMapping, row: RowVersion | undefined, version: SalesforceVersion) {
  if (row?.isOthers === true) return row;
  const held = fieldsInColumns(version);
  if (row === undefined) return { fields: held };
  const taken = mapping.fields.filter((each) => {
    const { field, direction, policy } = each;
    if (direction === 'to-postgres') return true;
    return (
      direction === 'both' && policy !== 'postgres' && !isStored(each, row.fields[field] ?? null, held[field] ?? null)
    );
  });
  return { ...row, fields: withShown({ ...row.fields }, held, taken) };
}

/** Adds to `values` what the version holds of these fields. */
function withShown<Value>(
  values: Record<string, Value>,
  shown: Readonly<Record<string, Value>>,
  fields: readonly FieldMapping[],
): Readonly<Record<string, Value>> {
  for (const { field } of fields) {
    const value = shown[field];
    if (value !== undefined) values[field] = value;
  }
  return values;
}

interface Joining {
  readonly theirs: CanonicalValue;
  /** As the column holds it. */
  readonly held: CanonicalValue | undefined;
  readonly mine: RowValue;
}

class Merge {
  readonly #mapping: ObjectMapping;
  readonly #link: Link;
  readonly #base: Base;
  readonly #push: OpenPush | undefined;
  readonly #version: SalesforceVersion;
  readonly #unknown: boolean;
  /** The record may have been written since the version that the high-water mark stands for. */
  readonly #mayHaveMoved: boolean;
  readonly #conflicts: Conflict[] = [];

  constructor(mapping: ObjectMapping, link: Link, base: Base, version: SalesforceVersion, unknown: boolean) {
    this.#mapping = mapping;
    this.#link = link;
    this.#base = base;
    this.#push = link.push;
    this.#version = version;
    this.#unknown = unknown;
    this.#mayHaveMoved = version.stamp >= (link.highWater ?? 0);
  }

  of(row: RowVersion | undefined): { row: RowVersion | undefined; conflicts: readonly Conflict[] } {
    if (row?.isOthers === true) return { row: this.#others(row), conflicts: this.#conflicts };
    const merged = this.#version.deleted
      ? this.#deleted(row && this.#fields(row, ({ field }) => isUnknown(this.#base, field)))
      : row === undefined
        ? this.#rowGone()
        : this.#fields(row);
    return { row: merged, conflicts: this.#conflicts };
  }

  #fields(row: RowVersion, isMeant: (field: FieldMapping) => boolean = () => true): RowVersion {
    let fields: Record<string, RowValue> | undefined;
    for (const field of this.#mapping.fields) {
      if (!isMeant(field)) continue;
      const value = this.#field(field, row);
      if (value === undefined || value === row.fields[field.field]) continue;
      fields ??= { ...row.fields };
      fields[field.field] = value;
    }
    return fields === undefined ? row : { ...row, fields };
  }

  #field(mapping: FieldMapping, row: RowVersion): RowValue | undefined {
    const { field, direction } = mapping;
    const base = this.#base.fields[field];
    const mine = row.fields[field];
    const theirs = this.#version.fields[field];
    const held = inColumn(this.#version, field);
    if (theirs === undefined || mine === undefined || theirs === mine || held === mine) return mine;
    if (direction === 'to-postgres') return held;
    if (direction === 'to-salesforce') return mine;
    if (base === undefined)
      return isStored(mapping, mine, theirs) ? mine : this.#joining(mapping, { theirs, held, mine }, row);
    const sent = this.#push?.sent[field];
    const stale =
      sent === undefined && !isAtBase(this.#link, field, mine) ? staleValue(this.#link, row, field) : undefined;
    // Written by an application that had read the row before sfsync has changed it: with the whole row, or as an edit.
    if (stale !== undefined)
      return mine === stale.value ? held : this.#bothEdited(mapping, { theirs, held, mine }, row, stale.value);
    // A filler was no edit of the row: while it is as it was, and whatever became of the push, it has nothing to say.
    const mayBeUndone = this.#unknown && sent?.filler === false;
    if (theirs === base) {
      // Not edited, and the column makes something else of it by now: it was altered.
      const isStale = mine === this.#link.inexact[field] && !isStored(mapping, mine, theirs);
      if (isStale && sent === undefined) return held;
      if (mayBeUndone && this.#mayHaveMoved) {
        this.#log({
          field,
          reason: 'push may have been undone',
          salesforce: theirs,
          postgres: mine,
          winner: 'postgres',
        });
      }
      return mine;
    }
    if (sent !== undefined && isStored(mapping, sent.value, theirs)) return mine;
    if (isAtBase(this.#link, field, mine) && !mayBeUndone) return held;
    if (isStored(mapping, mine, theirs)) return mine;
    return this.#bothEdited(mapping, { theirs, held, mine }, row, base);
  }

  #bothEdited(
    { field, policy }: FieldMapping,
    { theirs, held, mine }: Joining,
    row: RowVersion,
    base: CanonicalValue,
  ): RowValue | undefined {
    const winner = this.#winner(policy, row);
    this.#conflicts.push({ field, reason: 'both edited', base, salesforce: theirs, postgres: mine, winner });
    return winner === 'salesforce' ? held : mine;
  }

  /**
   * A field of which it is not known what both sides agreed on. What is empty, or was never written, is no edit: it gives way.
   */
  #joining(mapping: FieldMapping, { theirs, held = theirs, mine }: Joining, row: RowVersion): RowValue {
    const { field, type, policy, columnDefault } = mapping;
    if (theirs === type.blank) return mine;
    if (mine === type.blank || mine === columnDefault) return held;
    const winner = this.#winner(policy, row);
    this.#log({ field, reason: 'new in the mapping', salesforce: theirs, postgres: mine, winner });
    return winner === 'salesforce' ? held : mine;
  }

  /** `latest` compares the record's stamp with when the row was edited; both are good to the second, and a tie is Salesforce's. */
  #winner(policy: ConflictPolicy, row: RowVersion): Conflict['winner'] {
    if (policy !== 'latest') return policy;
    return (row.editedAt ?? 0) > this.#version.stamp ? 'postgres' : 'salesforce';
  }

  /**
   * The row is another object's by now, and as it is. A record that would go along with that, but was edited or brought back in
   * Salesforce, stays, for there is no row that its edit could live on in; that is listed.
   */
  #others(row: RowVersion): RowVersion {
    if (this.#mapping.filter?.leaving !== 'delete') return row;
    const { deleted } = this.#version;
    const sentDeleted = this.#push?.sentDeleted;
    const isBuried = deleted && sentDeleted === true && !this.#base.deleted && this.#touchedInSalesforce();
    if (isBuried) this.#logRecord(undefined, 'postgres');
    else if (this.#isWanted(row)) this.#logRecord(undefined, 'salesforce');
    return row;
  }

  /** Whether a person wants the record although its row has left. */
  #isWanted(row: RowVersion): boolean {
    if (this.#version.deleted) return false;
    if (this.#base.deleted) return this.#push?.sentDeleted !== false;
    return isGone(this.#mapping, this.#link, row) && this.#touchedInSalesforce();
  }

  /** Deleted in Salesforce. */
  #deleted(row: RowVersion | undefined): RowVersion | undefined {
    const ours = this.#push?.sentDeleted === true;
    if (row === undefined) {
      if (!(ours && !this.#base.deleted && this.#touchedInSalesforce())) return undefined;
      // Our delete buried an edit that a person had just made: the edit survives, and the record is revived.
      this.#logRecord(undefined, 'salesforce');
      return { fields: fieldsInColumns(this.#version) };
    }
    // The row is there all the same: it has left the filter, or was made anew. What our delete has buried lives on in it.
    if (ours && !this.#base.deleted) return this.#fields(row);
    if (ours || this.#base.deleted) {
      const revived = this.#push?.sentDeleted === false;
      // Taken out of the recycle bin there, edited, and put back before that was seen: as with any delete, the row stands.
      if (!ours && this.#touchedInSalesforce()) {
        this.#logRecord(row, 'postgres');
        return this.#standing(row);
      }
      if (revived && this.#unknown && this.#mayHaveMoved) {
        this.#logRecord(row, 'postgres', 'push may have been undone');
      }
      return row;
    }
    if (this.#mapping.deleteRow === 'ignore') return row;
    const edited = this.#edits(row);
    if (edited.length === 0) return undefined;
    this.#logRecord({ fields: withShown({}, row.fields, edited) }, 'postgres');
    return this.#standing(row);
  }

  /**
   * A row that stands against a delete. What was edited in it stays; elsewhere it takes what the record held, which is the base from now
   * on: an older value would count as an edit.
   */
  #standing(row: RowVersion): RowVersion {
    return this.#fields(row, ({ field }) => {
      const isAsAgreed = !isUnknown(this.#base, field) && isAtBase(this.#link, field, row.fields[field] ?? null);
      return isAsAgreed && this.#push?.sent[field] === undefined;
    });
  }

  /** Live in Salesforce, and the row is gone. */
  #rowGone(): RowVersion | undefined {
    const ours = this.#push?.sentDeleted === false;
    if (this.#base.deleted && !ours) return { fields: fieldsInColumns(this.#version) };
    // Brought back by us, and edited since: that is an edit as any other.
    if (this.#mapping.deleteRecord === 'ignore' || !this.#touchedInSalesforce()) return undefined;
    this.#logRecord(undefined, 'salesforce');
    return { fields: fieldsInColumns(this.#version) };
  }

  /** A field that both sides may edit differs from the base, and not by our own write. */
  #touchedInSalesforce(): boolean {
    return this.#mapping.fields.some((each) => {
      const { field, direction } = each;
      const theirs = this.#version.fields[field];
      if (direction !== 'both' || theirs === undefined || isUnknown(this.#base, field)) return false;
      const sent = this.#push?.sent[field];
      // Out of the recycle bin a record comes without the parents that are gone by now.
      if (this.#base.deleted && isLookup(each) && theirs === null) return false;
      return theirs !== this.#base.fields[field] && !(sent !== undefined && isStored(each, sent.value, theirs));
    });
  }

  /** Fields of the row that were edited since the sides agreed: they differ from the base and from Salesforce. */
  #edits(row: RowVersion): readonly FieldMapping[] {
    return this.#mapping.fields.filter(({ field, direction }) => {
      const mine = row.fields[field];
      if (isUnknown(this.#base, field)) return false;
      if (direction === 'to-postgres' || mine === undefined || isAtBase(this.#link, field, mine)) return false;
      if (isPutBack(this.#link, row, field, mine)) return false;
      return mine !== this.#version.fields[field] && mine !== inColumn(this.#version, field);
    });
  }

  #log(conflict: Omit<Conflict, 'base'> & { readonly field: string }): void {
    this.#conflicts.push({ ...conflict, base: this.#base.fields[conflict.field] });
  }

  #logRecord(
    row: RowVersion | undefined,
    winner: Conflict['winner'],
    reason: Conflict['reason'] = 'deleted and edited',
  ) {
    this.#conflicts.push({
      field: undefined,
      reason,
      base: { deleted: this.#base.deleted, fields: this.#base.fields },
      salesforce: { deleted: this.#version.deleted, fields: this.#version.fields },
      postgres: { deleted: row === undefined, fields: row?.fields ?? {} },
      winner,
    });
  }
}
