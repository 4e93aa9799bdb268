/** Bugs between the WAL and the queues, and with the slot. */
import type { PlantedBug } from '../planted-bug.ts';

export const STREAMING: readonly PlantedBug[] = [
  {
    name: 'confirmed in the order of the answers',
    says: 'A batch that the queue has accepted moves the flush position, also past an earlier one that it has not.',
    whose: { of: 'YugabyteDB connector', link: 'https://github.com/yugabyte/yugabyte-db/issues/33126' },
    edits: [
      {
        file: 'wal-streamer/flush-position.ts',
        find: 'if (!accepted) break;',
        replace: 'if (!accepted) continue;',
      },
    ],
    faults: ['streamer killed before a full queue'],
    seeds: 5,
  },
  {
    name: 'confirmed before the queue has accepted',
    says: 'Where the server says that its WAL ends there the slot is confirmed, whatever is still on its way to the queues.',
    whose: { of: 'Conduit', link: 'https://github.com/ConduitIO/conduit-connector-postgres/issues/313' },
    edits: [
      {
        file: 'wal-streamer/flush-position.ts',
        find: `      if (position > newest.reached) newest.reached = position;
      return false;`,
        replace: '      if (position > newest.reached) newest.reached = position;',
      },
    ],
    faults: ['throttled sqs', 'streamer killed'],
    seeds: 5,
  },
  {
    name: 'starts at the end of the WAL',
    says: 'The stream begins at the position that IDENTIFY_SYSTEM answers, and not where the slot is.',
    whose: { of: 'pgcapture', link: 'https://github.com/replicase/pgcapture/pull/56' },
    edits: [
      {
        file: 'postgres/stream/replication-connection.ts',
        find: 'return client.query(startCommand(this.#source));',
        replace: `const end = \`\${(facts.walEnd >> 32n).toString(16)}/\${(facts.walEnd & 0xffff_ffffn).toString(16)}\`;
        return client.query(startCommand(this.#source).replace('LOGICAL 0/0', \`LOGICAL \${end}\`));`,
      },
    ],
    faults: ['streamer killed', 'postgres killed'],
    seeds: 3,
  },
  {
    name: 'further of two positions',
    says: 'A stream that begins again takes the further of two positions for its own: the one of the slot, or what was ever received.',
    whose: { of: 'Conduit', link: 'https://github.com/ConduitIO/conduit-connector-postgres/issues/146' },
    edits: [
      {
        file: 'wal-streamer/stream-session.ts',
        find: 'this.#position = new FlushPosition(facts.confirmed);',
        replace: `const { furthest } = this.#lasting;
    this.#position = new FlushPosition(furthest > facts.confirmed ? furthest : facts.confirmed);`,
      },
    ],
    faults: ['walsender ended', 'throttled sqs'],
    seeds: 5,
  },
  {
    name: 'moved slot not noticed',
    says: 'A slot that another reader has moved is read on from where it is.',
    whose: { of: 'Conduit', link: 'https://github.com/ConduitIO/conduit-connector-postgres/issues/146' },
    edits: [
      {
        file: 'core/stream/slot-history.ts',
        find: `  if (written !== undefined && found.confirmed > written.confirmed) return { reason: 'slot moved', records: false };\n`,
        replace: '',
      },
    ],
    faults: ['slot moved by another reader'],
    seeds: 3,
  },
  {
    name: 'nothing compared after a failover',
    says: 'After a failover, or on a restored server, what the slot has not seen is not looked for.',
    whose: {
      of: 'timescaledb-event-streamer',
      link: 'https://github.com/noctarius/timescaledb-event-streamer/pull/316',
    },
    edits: [
      {
        file: 'postgres/ledger/stream.ts',
        find: '    if (gap !== undefined) {\n      for',
        replace: '    if (gap !== undefined && !gap.records) {\n      for',
      },
    ],
    faults: ['failover without the slot'],
    seeds: 3,
  },
  {
    name: 'TRUNCATE passed over',
    says: 'A TRUNCATE names no rows, and so nothing is done about it.',
    whose: { of: 'Rivet', link: 'https://github.com/panchenkoai/rivet/pull/286' },
    edits: [
      {
        file: 'wal-streamer/decoding/pgoutput.ts',
        find: 'return objects.length === 0 ? NOTHING :',
        replace: 'return objects.length >= 0 ? NOTHING :',
      },
    ],
    faults: [],
    operations: ['TRUNCATE in PostgreSQL'],
    putRightBy: 'the table has another file after a TRUNCATE, and is compared within seconds',
    seeds: 3,
  },
  {
    name: 'key change is a delete and an insert',
    says: 'A row whose key changes is not found under its new one: its record is deleted.',
    whose: { of: 'Estuary', link: 'https://github.com/estuary/connectors/pull/2185' },
    edits: [
      {
        file: 'steps/receive.ts',
        find: 'const carrying = await findCarriers(session, mapping, wanted);',
        replace: 'const carrying = await findCarriers(session, mapping, []);',
      },
      {
        file: 'steps/pairs/pairs.ts',
        find: 'const elsewhere = await find({ salesforceIds: lost.map(({ link }) => link.salesforceId) });',
        replace: 'const elsewhere: StoredRow[] = [];',
      },
    ],
    faults: [],
    seeds: 3,
  },
  {
    name: 'transactions listed once for each key',
    says: 'A message names only the first of several transactions that wrote a row: whether the last is visible is not asked.',
    whose: 'ours',
    edits: [
      {
        file: 'wal-streamer/change-batch.ts',
        find: '    this.#transactions.add(id);',
        replace: '    if (!known) this.#transactions.add(id);',
      },
    ],
    faults: ['commits held back'],
    seeds: 5,
  },
  {
    name: 'origin not set',
    says: 'Writes of sfsync carry no mark, and come back as changes of the application.',
    whose: { of: 'Symmetry', link: 'https://github.com/Two-Screen/symmetry/issues/1' },
    edits: [
      {
        file: 'postgres/session/origin.ts',
        find: '  await takeOrigin(session, origins);',
        replace: '  if (origins === 0) await takeOrigin(session, origins);',
      },
      {
        file: 'postgres/session/origin.ts',
        find: `session.query('select pg_replication_origin_session_reset()').catch(() => session.end());`,
        replace: `session.query('select pg_replication_origin_session_reset()').catch(() => undefined);`,
      },
    ],
    faults: [],
    putRightBy: 'what comes back is as the base has it, and goes no further: the second of two layers',
    seeds: 3,
  },
];
