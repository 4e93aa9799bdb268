/** Messages as pgoutput writes them (PostgreSQL manual, "Logical Replication Message Formats", protocol version 1). */

/** Text of a column; null; or a value that is stored out of line and was not changed. */
export type Value = string | null | 'unchanged'[];

export const UNCHANGED: Value = ['unchanged'];

export interface DescribedColumn {
  readonly name: string;
  readonly type?: number;
  /** Part of the replica identity. */
  readonly identity?: boolean;
}

const tag = (letter: string) => Buffer.from(letter, 'latin1');
const byte = (value: number) => Buffer.from([value]);
const text = (value: string) => Buffer.from(`${value}\0`, 'utf8');

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** Microseconds since 2000. */
function clock(ms: number, micros = 0): Buffer {
  return int64(BigInt(ms - Date.UTC(2000, 0, 1)) * 1000n + BigInt(micros));
}

function tuple(values: readonly Value[]): Buffer {
  const columns = values.map((value) => {
    if (value === null) return tag('n');
    if (typeof value !== 'string') return tag('u');
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([tag('t'), int32(bytes.length), bytes]);
  });
  return Buffer.concat([int16(values.length), ...columns]);
}

export function begin(commitStart: bigint, committedAt: number, xid: number, micros = 0): Buffer {
  return Buffer.concat([tag('B'), int64(commitStart), clock(committedAt, micros), int32(xid)]);
}

export function commit(start: bigint, end: bigint): Buffer {
  return Buffer.concat([tag('C'), byte(0), int64(start), int64(end), clock(Date.UTC(2026, 0, 2))]);
}

export function origin(name: string): Buffer {
  return Buffer.concat([tag('O'), int64(1n), text(name)]);
}

export function logicalMessage(prefix: string, transactional: boolean): Buffer {
  const content = Buffer.from('content');
  const flags = byte(transactional ? 1 : 0);
  return Buffer.concat([tag('M'), flags, int64(1n), text(prefix), int32(content.length), content]);
}

export function relation(
  oid: number,
  [schema, table]: readonly [string, string],
  columns: readonly DescribedColumn[],
  replicaIdentity = 'd',
): Buffer {
  const described = columns.map(({ name, type = 25, identity = false }) =>
    Buffer.concat([byte(identity ? 1 : 0), text(name), int32(type), int32(0xffff_ffff)]),
  );
  const head = [tag('R'), int32(oid), text(schema), text(table), tag(replicaIdentity), int16(columns.length)];
  return Buffer.concat([...head, ...described]);
}

export function insert(oid: number, row: readonly Value[]): Buffer {
  return Buffer.concat([tag('I'), int32(oid), tag('N'), tuple(row)]);
}

/** `before`: the old key (`K`) or the whole old row (`O`), where the server sends one. */
export function update(oid: number, row: readonly Value[], before?: readonly ['K' | 'O', readonly Value[]]): Buffer {
  const old = before === undefined ? [] : [tag(before[0]), tuple(before[1])];
  return Buffer.concat([tag('U'), int32(oid), ...old, tag('N'), tuple(row)]);
}

export function remove(oid: number, [kind, row]: readonly ['K' | 'O', readonly Value[]]): Buffer {
  return Buffer.concat([tag('D'), int32(oid), tag(kind), tuple(row)]);
}

export function truncate(...oids: readonly number[]): Buffer {
  return Buffer.concat([tag('T'), int32(oids.length), byte(3), ...oids.map(int32)]);
}

export function type(oid: number): Buffer {
  return Buffer.concat([tag('Y'), int32(oid), text('public'), text('mood')]);
}
