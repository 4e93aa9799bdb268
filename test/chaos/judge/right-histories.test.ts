/** The judge finds nothing in what a right sync does, whatever clients do meanwhile; and finds each of several wrongs done to it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { History, Version } from '../history/history.ts';
import { IndexedHistory } from './index/indexed-history.ts';
import { overwrites } from './index/overwrites.ts';
import { journey } from './journey.ts';
import { judge } from './judge.ts';
import { PerfectSync, type Step } from './perfect-sync.ts';

const side = fc.constantFrom('salesforce' as const, 'postgres' as const);
const pair = fc.nat({ max: 1 });
const clients: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constant('edit' as const),
      side,
      pair,
      field: fc.nat({ max: 5 }),
      back: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('delete' as const), side, pair }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('undelete' as const), pair }) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: clients },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('receive' as const), pair }) },
    {
      weight: 3,
      arbitrary: fc.record({
        does: fc.constant('push' as const),
        pair,
        whole: fc.boolean(),
        amid: fc.array(clients, { maxLength: 2 }),
      }),
    },
  ),
  { maxLength: 50, size: 'max' },
);

const RUNS = { numRuns: 200 };

function historyOf(taken: readonly Step[]): History {
  return new PerfectSync().do(taken).drain().story.history();
}

test('nothing is found in a right history', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const history = historyOf(taken);
      const { violations } = judge(history);
      const [first] = violations;
      const told = first === undefined ? '' : journey(history, { ...first, object: 'Contact' }, { values: true });
      expect(violations, `${first?.rule}: ${first?.says}\n${told}`).toEqual([]);
    }),
    RUNS,
  );
});

/** A wrong that can be done to a history; undefined: there is no occasion in this one. */
type Wrong = (history: History) => History | undefined;

const isOfSync = ({ writer }: Version) => writer.by === 'sfsync';

const WRONGS: readonly (readonly [string, string, Wrong])[] = [
  [
    'a write is dropped',
    'sides agree',
    (history) => {
      // The last version of the row, and it changed something that both sides may edit.
      const last = (version: Version) =>
        history.versions.findLast(({ side, key }) => side === 'postgres' && key === version.key);
      const dropped = history.versions.find(
        (version) => isOfSync(version) && version.kind === 'update' && last(version) === version,
      );
      const before = history.versions.findLast(
        (each) => each.side === 'postgres' && each.key === dropped?.key && each.sequence < dropped.sequence,
      );
      if (dropped === undefined || before === undefined || before.values.last_name === dropped.values.last_name)
        return undefined;
      const rows = history.end.rows.map((row) => (row.key === dropped.key ? { ...row, values: before.values } : row));
      return {
        ...history,
        versions: history.versions.filter((each) => each !== dropped),
        end: { ...history.end, rows },
      };
    },
  ],
  [
    'an older value comes back, for a moment',
    'no older value, values have makers',
    (history) => {
      const { name, older, row } = olderValue(history);
      if (older === undefined || row === undefined) return undefined;
      const again = (value: Version['values'][string], sequence: number): Version => ({
        ...row,
        kind: 'update',
        sequence,
        at: history.end.at - 10_000 + sequence,
        writer: { by: 'sfsync' },
        values: { ...row.values, [name]: value },
      });
      const next = history.versions.length + 1;
      const back = [again(older, next), again(row.values[name] ?? null, next + 1)];
      return { ...history, versions: [...history.versions, ...back] };
    },
  ],
  [
    'a conflict is forgotten',
    // Where the loser came after the value that stands, that is an older value put back.
    'losers are logged, no older value',
    (history) => {
      const judged = overwrites(new IndexedHistory(history)).find(
        ({ judgement, lost, of: { salesforce, postgres } }) =>
          judgement.is === 'logged' &&
          // A value that was put back may be logged for another occasion.
          [...salesforce.events, ...postgres.events].filter(({ value }) => value === lost.value).length === 1,
      );
      if (judged === undefined) return undefined;
      const { salesforceId } = judged.of.pair;
      const conflicts = history.end.conflicts.filter((conflict) => conflict.salesforceId !== salesforceId);
      return { ...history, end: { ...history.end, conflicts } };
    },
  ],
  [
    'a record is doubled',
    'one to one',
    (history) => {
      const sequence = history.versions.length + 1;
      const at = history.end.at - 5_000;
      const made = { object: 'Contact', kind: 'create', at, writer: { by: 'sfsync' } } as const;
      const [id, key] = ['003000000000DOUBLE', 'double'];
      const record: Version = { ...made, side: 'salesforce', key: id, sequence, values: { LastName: 'value 1' } };
      const values = { salesforce_id: id, last_name: 'value 1' };
      const row: Version = { ...made, side: 'postgres', key, sequence: sequence + 1, values };
      const records = [...history.end.records, { object: 'Contact', id, deleted: false, values: record.values }];
      const rows = [...history.end.rows, { object: 'Contact', key, values }];
      return { ...history, versions: [...history.versions, record, row], end: { ...history.end, records, rows } };
    },
  ],
  [
    'a value is invented',
    'values have makers',
    (history) => {
      const version = history.versions.find(
        (each) => isOfSync(each) && each.side === 'postgres' && each.kind === 'update',
      );
      if (version === undefined) return undefined;
      const invented = { ...version, values: { ...version.values, last_name: 'nobody wrote this' } };
      return { ...history, versions: history.versions.map((each) => (each === version ? invented : each)) };
    },
  ],
  [
    'a delete is swallowed',
    'deletes are honoured',
    (history) => {
      const deleted = history.versions.findLast(({ kind, writer }) => kind === 'delete' && writer.by === 'client');
      // Only where nothing came after it but sfsync's answer.
      const after = history.versions.filter(
        (each) => deleted !== undefined && each.sequence > deleted.sequence && isSamePair(each, deleted),
      );
      if (deleted === undefined || after.length !== 1 || after[0]?.kind !== 'delete' || !isOfSync(after[0]))
        return undefined;
      const [answer] = after as [Version];
      // An edit of the other side would survive, and an undelete that the row was not told of.
      const isEdited = history.versions.some(
        (each) => isSamePair(each, deleted) && (each.kind === 'update' || each.kind === 'undelete'),
      );
      if (isEdited) return undefined;
      const back: Version = {
        ...deleted,
        kind: deleted.side === 'postgres' ? 'create' : 'undelete',
        writer: { by: 'sfsync' },
      };
      const moved = { ...back, sequence: answer.sequence, at: answer.at };
      const versions = history.versions.map((each) => (each === answer ? moved : each));
      const [id, key] = [idIn(deleted), keyIn(history, deleted)];
      const records = history.end.records.map((each) => (each.id === id ? { ...each, deleted: false } : each));
      const values = deleted.side === 'postgres' ? deleted.values : answer.values;
      const rows = [...history.end.rows, { object: 'Contact', key, values }];
      return { ...history, versions, end: { ...history.end, records, rows } };
    },
  ],
  [
    'something is written after quiet',
    'rest',
    (history) => ({ ...history, end: { ...history.end, afterQuiet: history.versions.slice(0, 1) } }),
  ],
  ['a value leaks', 'no leaks', (history) => ({ ...history, leaks: [{ where: 'a log', marker: 'value 1' }] })],
  [
    'an acknowledged write is gone',
    'writes are kept',
    (history) => {
      const gone = history.versions.find(({ writer }) => writer.by === 'client');
      return gone && { ...history, versions: history.versions.filter((each) => each !== gone) };
    },
  ],
];

/** A value of a row that a newer one has followed, both from Salesforce. */
function olderValue({ versions }: History) {
  for (const name of ['last_name', 'email', 'rating']) {
    const changed = new Map<string, Version[]>();
    for (const version of versions) {
      if (version.side !== 'postgres' || version.kind === 'delete') continue;
      const before = changed.get(version.key) ?? [];
      if (before.at(-1)?.values[name] !== version.values[name]) changed.set(version.key, [...before, version]);
    }
    for (const [key, all] of changed) {
      const row = versions.findLast((each) => each.side === 'postgres' && each.key === key);
      const isOneWay = name === 'rating' && all.at(-1)?.writer.by === 'client';
      const older = all.at(-2)?.values[name];
      const isWrittenOnce = typeof older === 'string' && timesWritten(versions, name, older) <= 1;
      if (row?.kind !== 'delete' && isWrittenOnce && !isOneWay && older !== row?.values[name])
        return { name, older, row };
    }
  }
  return { name: '', older: undefined, row: undefined };
}

/** By clients: one who puts a value back has made it anew. */
function timesWritten(versions: readonly Version[], column: string, value: string): number {
  const isMadeBy = ({ side, values, key, writer, sequence }: Version) => {
    const name = side === 'postgres' ? column : FIELD_OF[column];
    const before = versions.findLast((each) => each.side === side && each.key === key && each.sequence < sequence);
    return writer.by === 'client' && name !== undefined && values[name] === value && before?.values[name] !== value;
  };
  const inSnapshot = versions.some(({ writer, values }) => writer.by === 'consequence' && values[column] === value);
  return versions.filter(isMadeBy).length + (inSnapshot ? 1 : 0);
}

const FIELD_OF: Readonly<Record<string, string>> = { last_name: 'LastName', email: 'Email', rating: 'Rating' };

function idIn({ side, key, values }: Version): string {
  return side === 'salesforce' ? key : String(values.salesforce_id);
}

function keyIn({ versions }: History, version: Version): string {
  const row = versions.find((each) => each.side === 'postgres' && idIn(each) === idIn(version));
  return row?.key ?? '';
}

function isSamePair(one: Version, other: Version): boolean {
  return idIn(one) === idIn(other);
}

test.each(WRONGS)('%s: that is found', (_, rule, wrong) => {
  let occasions = 0;
  fc.assert(
    fc.property(steps, (taken) => {
      const broken = wrong(historyOf(taken));
      if (broken === undefined) return;
      occasions += 1;
      const found = judge(broken).violations.map((violation) => violation.rule);
      expect(found.filter((each) => rule.split(', ').includes(each))).not.toEqual([]);
    }),
    RUNS,
  );
  expect(occasions).toBeGreaterThan(2);
});
