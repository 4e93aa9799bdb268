/** Bugs in what a version of the record, or a look at it, does to the row. */
import type { PlantedBug } from '../planted-bug.ts';

export const MERGES: readonly PlantedBug[] = [
  {
    name: 'pull overwrites an edit',
    says: 'A file writes all that the record holds into the row, also over fields that the application has edited and that are not sent yet.',
    whose: { of: 'the-goodies', link: 'https://github.com/adrianco/the-goodies/issues/69' },
    edits: [
      {
        file: 'core/agreement/inbound.ts',
        find: `    return { ...merged, outcome: 'merged', link: { ...merged.link, highWater: version.stamp } };`,
        replace: `    const pulled =
      merged.row === undefined || version.deleted
        ? merged.row
        : { ...merged.row, fields: { ...merged.row.fields, ...version.fields } };
    return { ...merged, row: pulled, outcome: 'merged', link: { ...merged.link, highWater: version.stamp } };`,
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'older file applied',
    says: 'Files are merged in the order in which they come, whatever their stamps and whatever was read since.',
    whose: { of: 'Drasi', link: 'https://github.com/drasi-project/drasi-core/pull/302' },
    edits: [
      {
        file: 'core/agreement/inbound.ts',
        find: `  const freshlyRead = link.appliedAt === undefined || readAfter > link.appliedAt;
  if (link.push === undefined && complete && newer && freshlyRead) {`,
        replace: `  if (link.push === undefined && complete && readAfter > 0) {`,
      },
    ],
    faults: ['events late', 'events twice'],
    seeds: 3,
  },
  {
    name: 'file merged during a push',
    says: 'A file is merged although a push of the record is open.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/inbound.ts',
        find: 'if (link.push === undefined && complete && newer && freshlyRead) {',
        replace: 'if (complete && newer && freshlyRead) {',
      },
    ],
    faults: ['appflow slow', 'salesforce slow'],
    operations: ['same field on both sides', 'different fields on both sides'],
    putRightBy: 'the read-back that settles the push is merged in any case',
    seeds: 5,
  },
  {
    name: 'old look over a newer file',
    says: 'A record that was read again is merged although a newer version has come while it was read.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/inbound.ts',
        find: `if (pair.link.revision !== revision) return { outcome: 'again' };`,
        replace: `if (pair.link.revision < revision) return { outcome: 'again' };`,
      },
    ],
    faults: ['salesforce slow'],
    operations: ['several in Salesforce', 'there and back'],
    seeds: 5,
  },
  {
    name: 'conflict decided and not logged',
    says: 'Where both sides have edited a field one of them wins, and the value of the other is in no log.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: `    this.#conflicts.push({ field, reason: 'both edited', base, salesforce: theirs, postgres: mine, winner });\n`,
        replace: '',
      },
    ],
    faults: [],
    seeds: 2,
  },
  {
    name: 'policy ignored',
    says: 'Salesforce wins every conflict, also where the field is set to `postgres`.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: `if (policy !== 'latest') return policy;`,
        replace: `if (policy !== 'latest') return 'salesforce';`,
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'latest takes the earlier',
    says: 'Under policy `latest` the older of two edits wins.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: '(row.editedAt ?? 0) > this.#version.stamp',
        replace: '(row.editedAt ?? 0) < this.#version.stamp',
      },
    ],
    faults: ['events late'],
    operations: ['same field, seconds apart'],
    seeds: 3,
  },
  {
    name: 'delete over an edit',
    says: 'A record that was deleted in Salesforce takes its row along, also where the application has just edited it.',
    whose: { of: 'EDB Postgres Distributed', link: 'https://github.com/EnterpriseDB/docs/pull/4632' },
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: 'if (edited.length === 0) return undefined;',
        replace: 'if (edited.length >= 0) return undefined;',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'row gone over an edit',
    says: 'A row that was deleted takes its record along, also where a user has just edited that.',
    whose: {
      of: 'Heroku Connect',
      link: 'https://devcenter.heroku.com/articles/heroku-connect-rapid-multiple-updates-issues',
    },
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: `if (this.#mapping.deleteRecord === 'ignore' || !this.#touchedInSalesforce()) return undefined;`,
        replace: 'if (this.#mapping.deleteRecord !== undefined) return undefined;',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'merge leaves nothing due',
    says: 'A merge that keeps something which Salesforce does not have does not make the record due.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: 'const dirty = mayGo(trimmed, outgoing(mapping, trimmed, row));',
        replace: 'const dirty = trimmed.dirty && mayGo(trimmed, outgoing(mapping, trimmed, row));',
      },
    ],
    faults: [],
    operations: ['foreign field in Salesforce'],
    seeds: 3,
  },
  {
    name: 'undelete is an insert',
    says: 'A record that comes out of the recycle bin gets a new row, without its key and without what Salesforce never had.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/row-change.ts',
        find: `kind: rowKey === undefined ? 'insert' : 'restore',`,
        replace: `kind: rowKey === undefined ? 'insert' : 'insert',`,
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'merge taken for a delete',
    says: 'What becomes of a record that users merge into another is not followed: its children go on naming it.',
    whose: 'ours',
    edits: [
      { file: 'steps/apply-set.ts', find: 'survivor: item.version.mergedInto,', replace: 'survivor: undefined,' },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'child clears its lookup',
    says: 'A lookup that is null because its parent has no row yet counts as cleared by the application, and is cleared in Salesforce.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/link.ts',
        find: 'return waiting.length === 0 ? row :',
        replace: 'return waiting.length >= 0 ? row :',
      },
    ],
    faults: ['events late'],
    operations: ['family in Salesforce', 'saved twice in Salesforce'],
    seeds: 3,
  },
  {
    name: 'rounding sent back',
    says: 'What a column makes of a value that it cannot hold exactly counts as an edit, and is sent to Salesforce.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/tables/column-values.ts',
        find: 'return AWKWARD.every(isExact) && former.length === 0',
        replace: 'return AWKWARD.some(isExact) && former.length === 0',
      },
    ],
    faults: [],
    seeds: 3,
  },
];
