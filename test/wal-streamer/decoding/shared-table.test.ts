/** A table of two objects: a change is a change of both, for which of them the row is, only the row says. */
import { describe, expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import { defineSync, text } from '../../../core/mapping/configuration.ts';
import { startCommand } from '../../../postgres/stream/start-command.ts';
import { PgoutputDecoder } from '../../../wal-streamer/decoding/pgoutput.ts';
import type { StreamDecoder, StreamMessage } from '../../../wal-streamer/decoding/stream-message.ts';
import { Wal2jsonDecoder } from '../../../wal-streamer/decoding/wal2json.ts';
import { FlushPosition } from '../../../wal-streamer/flush-position.ts';
import { Publisher } from '../../../wal-streamer/publisher.ts';
import { TableWatch } from '../../../wal-streamer/table-watch.ts';

const { objects } = defineSync({
  objects: {
    Lead: {
      table: 'people',
      salesforceId: 'lead_id',
      filter: { values: { type: 'Lead' } },
      fields: { LastName: text('name') },
    },
    Account: { table: 'companies', fields: { Name: text('name') } },
    Contact: {
      table: 'people',
      salesforceId: 'contact_id',
      filter: { values: { type: 'Contact' } },
      fields: { LastName: text('name'), Phone: text('phone') },
    },
  },
});
const BOTH = ['Lead', 'Contact'];

const integers = (...values: number[]) =>
  Buffer.concat(values.map((value) => Buffer.from([value >> 24, value >> 16, value >> 8, value])));
const short = (value: number) => Buffer.from([value >> 8, value]);
const word = (value: string) => Buffer.from(`${value}\0`);
const cell = (value: string) => Buffer.concat([Buffer.from('t'), integers(value.length), Buffer.from(value)]);
const tuple = (...values: string[]) => Buffer.concat([short(values.length), ...values.map(cell)]);
const message = (tag: string, ...parts: Buffer[]) => Buffer.concat([Buffer.from(tag), ...parts]);
const column = (name: string, isKey = false) =>
  Buffer.concat([Buffer.from([isKey ? 1 : 0]), word(name), integers(25, -1)]);

/** As pgoutput writes them. */
const pgoutput: Record<string, Buffer> = {
  described: message(
    'R',
    integers(7),
    word('public'),
    word('people'),
    Buffer.from('d'),
    short(2),
    column('id', true),
    column('type'),
  ),
  insert: message('I', integers(7), Buffer.from('N'), tuple('1', 'Lead')),
  update: message('U', integers(7), Buffer.from('K'), tuple('1', ''), Buffer.from('N'), tuple('2', 'Contact')),
  delete: message('D', integers(7), Buffer.from('K'), tuple('2', '')),
  truncate: message('T', integers(1), Buffer.from([0]), integers(7)),
};

const columns = (id: string, type: string) => [
  { name: 'id', type: 'text', value: id },
  { name: 'type', type: 'text', value: type },
];
const entry = (action: string, more: object = {}) =>
  Buffer.from(JSON.stringify({ action, schema: 'public', table: 'people', ...more }));
/** As wal2json writes them. */
const wal2json: Record<string, Buffer> = {
  insert: entry('I', { columns: columns('1', 'Lead') }),
  update: entry('U', { columns: columns('2', 'Contact'), identity: columns('1', '').slice(0, 1) }),
  delete: entry('D', { identity: columns('2', '').slice(0, 1) }),
  truncate: entry('T'),
};

const SERVERS: readonly [string, () => StreamDecoder, Record<string, Buffer>][] = [
  ['pgoutput', () => new PgoutputDecoder(objects), pgoutput],
  ['wal2json', () => new Wal2jsonDecoder(objects), wal2json],
];

describe.each(SERVERS)('%s', (_, begin, messages) => {
  const decoder = begin();
  const decode = (name: string): StreamMessage | undefined => {
    const bytes = messages[name];
    return bytes && decoder.decode(bytes);
  };

  test('a change of the table is one of both objects', () => {
    decode('described');
    expect(decode('insert')).toEqual({
      kind: 'change',
      objects: BOTH,
      operation: 'insert',
      key: '1',
      oldKey: undefined,
    });
    expect(decode('update')).toEqual({ kind: 'change', objects: BOTH, operation: 'update', key: '2', oldKey: '1' });
    expect(decode('delete')).toEqual({
      kind: 'change',
      objects: BOTH,
      operation: 'delete',
      key: '2',
      oldKey: undefined,
    });
    expect(decode('truncate')).toEqual({ kind: 'unnamed rows', objects: BOTH, by: 'truncate' });
  });
});

test('each object’s queue gets the keys, and the position waits for both', async () => {
  const sent: [string, string][] = [];
  const answers: (() => void)[] = [];
  const sender = (object: string) => ({
    send: async (bodies: readonly string[]) => {
      for (const body of bodies) for (const [key] of JSON.parse(body).keys) sent.push([object, key]);
      await new Promise<void>((resolve) => answers.push(resolve));
      return [];
    },
  });
  const listener = { accepted: () => undefined, failed: () => undefined };
  const publisher = new Publisher(new Map(objects.map(({ object }) => [object, sender(object)])), listener);
  const position = new FlushPosition(0n);
  publisher.startOver(position);
  const change = { kind: 'change', objects: BOTH, operation: 'update', key: '2', oldKey: '1' } as const;
  publisher.changed(change, { id: '5', committedAt: 0, commitStart: 4n });
  publisher.committed(5n);
  const drained = publisher.drain(new AbortController().signal);
  await expect.poll(() => answers.length).toBe(2);
  expect(sent.sort()).toEqual([
    ['Contact', '1'],
    ['Contact', '2'],
    ['Lead', '1'],
    ['Lead', '2'],
  ]);
  answers[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(position.safe).toBe(0n);
  answers[1]?.();
  expect(await drained).toBe(true);
  expect(position.safe).toBe(5n);
});

test('wal2json is asked for the table once', () => {
  const source = { plugin: 'wal2json', slot: 's', mappings: objects, names: DEFAULT_NAMES } as never;
  expect(startCommand(source)).toContain(`"add-tables" 'public.people,public.companies'`);
});

describe('DDL on the table', () => {
  const table = (names: readonly string[], name = 'public.people') => ({
    oid: 7,
    table: name,
    columns: names.map((each) => ({ name: each, type: '25', identity: each === 'id' })),
    replicaIdentity: 'd',
  });
  const ALL = ['id', 'lead_id', 'contact_id', 'type', 'name', 'phone'];

  test('is told of each object that it means', () => {
    const watch = new TableWatch(objects);
    expect(watch.described(table(ALL))).toEqual([]);
    const told = watch.described(table(ALL.filter((name) => name !== 'phone' && name !== 'name')));
    expect(told.map(({ object, column }) => [object, column])).toEqual([
      ['Lead', 'name'],
      ['Contact', 'name'],
      ['Contact', 'phone'],
    ]);
  });

  test('a rename leaves both to be compared', () => {
    for (const isDescribed of [true, false]) {
      const watch = new TableWatch(objects);
      if (isDescribed) watch.described(table(ALL));
      else watch.known('Contact', '7');
      const told = watch.described(table(ALL, 'public.persons'));
      expect(told.map(({ object, leaves }) => [object, leaves])).toEqual(
        BOTH.map((object) => [object, 'table replaced']),
      );
    }
  });
});
