/** Bugs of other systems, as their reports describe them, and their neighbours. */
import type { PlantedBug } from '../planted-bug.ts';

export const REPORTED: readonly PlantedBug[] = [
  {
    name: 'full batch drops its key',
    says: 'A key that has no place left in a message is taken for one that is in it.',
    whose: { of: 'pg_chameleon', link: 'https://github.com/the4thdoctor/pg_chameleon/issues/111' },
    edits: [{ file: 'wal-streamer/change-batch.ts', find: '      return false;', replace: '      return true;' }],
    faults: [],
    operations: ['bulk in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'first conflict only',
    says: 'Of a record of which several fields were edited on both sides one is listed.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: '    return { row: merged, conflicts: this.#conflicts };',
        replace: '    return { row: merged, conflicts: this.#conflicts.slice(0, 1) };',
      },
    ],
    faults: [],
    operations: ['same field on both sides', 'several in Salesforce', 'several in PostgreSQL'],
    seeds: 3,
  },
  {
    name: 'tie of stamps is newer',
    says: 'A file with the stamp of the version that is known counts as newer.',
    whose: { of: 'Supaglue', link: 'https://github.com/supaglue-labs/supaglue/issues/532' },
    edits: [
      {
        file: 'core/agreement/inbound.ts',
        find: '  const newer = link.highWater === undefined || version.stamp > link.highWater;',
        replace: '  const newer = link.highWater === undefined || version.stamp >= link.highWater;',
      },
    ],
    faults: ['events late', 'events twice'],
    operations: ['there and back', 'saved twice in Salesforce'],
    seeds: 3,
  },
  {
    name: 'stale save is an edit',
    says: 'What an application that locks optimistically saves over a newer version of sfsync counts as an edit of all its fields.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/written.ts',
        find: '  if (replaced === undefined || row.lockVersion === undefined || row.lockVersion >= replaced.lockVersion)',
        replace: '  if (replaced === undefined || row.lockVersion !== undefined)',
      },
    ],
    faults: ['events late'],
    seeds: 3,
  },
  {
    name: 'offset of today',
    says: 'A local time is read and written with the offset that its zone has now.',
    whose: { of: 'DbUnit', link: 'https://github.com/dbunit/dbunit-extension/issues/694' },
    edits: [
      {
        file: 'core/mapping/local-time.ts',
        find: 'Math.max(Math.floor(instant / 1000) * 1000, FIRST)',
        replace: 'Math.max(Math.floor((instant - instant + Date.now()) / 1000) * 1000, FIRST)',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'numbers in the log',
    says: 'The log line about a push has the values that are numbers or dates.',
    whose: { of: 'pgstream', link: 'https://github.com/xataio/pgstream/issues/464' },
    edits: [
      {
        file: 'steps/push/send-changes.ts',
        find: "      log.info('records pushed', { pushKey, ...counts });",
        replace:
          '      log.info(\'records pushed\', { pushKey, ...counts, what: JSON.stringify(lines).match(/"(Amount|AnnualRevenue|Birthdate|Credit_Score__c|Approved_At__c)":"[^"]*"/g)?.join() ?? \'\' });',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'whole row written',
    says: 'A write of one field writes all others of the row again, as they were read.',
    whose: { of: 'Apache Hudi', link: 'https://github.com/apache/hudi/issues/3965' },
    edits: [
      {
        file: 'core/agreement/row-change.ts',
        find: 'if (value !== row.fields[field] && !isUnsendable(value))',
        replace: 'if (!isUnsendable(value))',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'winner not applied',
    says: 'The conflict log names the winner by the policy, and the row takes what Salesforce has in any case.',
    whose: 'ours',
    edits: [
      {
        file: 'core/agreement/merge.ts',
        find: `postgres: mine, winner });
    return winner === 'salesforce' ? held : mine;
  }

  /**
   * A field`,
        replace: `postgres: mine, winner });
    return held;
  }

  /**
   * A field`,
      },
    ],
    faults: [],
    operations: ['same field on both sides'],
    seeds: 3,
  },
  {
    name: 'unmapped column cleared',
    says: 'A write to a row empties a column that the mapping does not name.',
    whose: 'ours',
    edits: [
      {
        file: 'postgres/tables/rows.ts',
        find: '    const { rows, rowCount } = await query<LeftRow>(\n      session,\n      `update',
        replace:
          "    if (mapping.object === 'Opportunity') set.push('underwriter_notes = null');\n    const { rows, rowCount } = await query<LeftRow>(\n      session,\n      `update",
      },
    ],
    faults: [],
    seeds: 2,
  },
];
