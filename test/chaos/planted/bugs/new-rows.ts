/** Bugs with new rows, and with parents and children. */
import type { PlantedBug } from '../planted-bug.ts';

export const NEW_ROWS: readonly PlantedBug[] = [
  {
    name: 'create repeated',
    says: 'A new record is created, not upserted by the row key: where the answer was lost, the row is sent as another one.',
    whose: {
      of: 'Mobile SDK for Salesforce',
      link: 'https://github.com/forcedotcom/SalesforceMobileSDK-iOS/issues/3288',
    },
    edits: [
      {
        file: 'salesforce/push-inserts.ts',
        find: '    [externalIdField]: line.id,\n',
        replace: '',
      },
      {
        file: 'salesforce/push-inserts.ts',
        find: `    method: 'PATCH',
    url: \`/services/data/v\${API_VERSION}/composite/sobjects/\${object}/\${externalIdField}\`,`,
        replace: `    method: 'POST',
    url: \`/services/data/v\${API_VERSION}/composite/sobjects\`,`,
      },
    ],
    faults: ['salesforce answers lost'],
    operations: ['insert in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'two rows for a new record',
    says: 'The record of a new row that a file shows before the answer has come gets a row of its own.',
    whose: {
      of: 'Mobile SDK for Salesforce',
      link: 'https://github.com/forcedotcom/SalesforceMobileSDK-Android/pull/2155',
    },
    edits: [
      {
        file: 'steps/pairs/adoption.ts',
        find: 'if (mapping.externalIdField === undefined || named.size === 0) return new Map();',
        replace: 'if (mapping.externalIdField === undefined || named.size >= 0) return new Map();',
      },
    ],
    faults: ['salesforce answers lost', 'salesforce slow'],
    operations: ['insert in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'new record without its base',
    says: 'Of a new record that was found nothing counts as sent: the row takes what it holds, also over a later edit.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/insertion.ts',
        find: 'base: push && baseOf(mapping, push, version.fields) }',
        replace: 'base: push?.sent === version.fields ? baseOf(mapping, push, version.fields) : undefined }',
      },
    ],
    faults: ['salesforce slow', 'salesforce answers lost'],
    operations: ['saved twice in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'children not woken',
    says: 'A parent that gets its Salesforce id does not make its children due.',
    whose: { of: 'QFieldSync', link: 'https://github.com/opengisch/qfieldsync/issues/191' },
    edits: [
      {
        file: 'steps/parents/wake-children.ts',
        find: 'if (parentKeys.length === 0) return;',
        replace: 'if (parentKeys.length >= 0) return;',
      },
    ],
    faults: [],
    operations: ['family in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'parent deleted before its children are freed',
    says: 'The delete of a parent does not wait for what is on its way of its children: Salesforce deletes them along.',
    whose: { of: 'Dotmim.Sync', link: 'https://github.com/Mimetis/Dotmim.Sync/issues/143' },
    edits: [
      {
        file: 'steps/parents/freed-children.ts',
        find: 'if (doomed.length === 0) return waiting;',
        replace: 'if (doomed.length >= 0) return waiting;',
      },
    ],
    faults: [],
    operations: ['children freed and parent deleted', 'family in PostgreSQL'],
    seeds: 3,
  },
];
