import type { Lsn } from '../../core/contracts/lsn.ts';

/** Milliseconds from 1970 to 2000, where PostgreSQL's clock starts. */
const EPOCH_MS = 946_684_800_000;

/**
 * Standby status update (PostgreSQL manual, "Streaming Replication Protocol") in a CopyData frame: written, flushed and
 * applied are the position of the first byte that we still need, which is where the last commit ends.
 */
export function statusMessage(position: Lsn, reply: boolean, now: number = Date.now()): Buffer {
  const frame = Buffer.alloc(39);
  frame.write('d', 0, 'latin1');
  frame.writeUInt32BE(38, 1);
  frame.write('r', 5, 'latin1');
  frame.writeBigUInt64BE(position, 6);
  frame.writeBigUInt64BE(position, 14);
  frame.writeBigUInt64BE(position, 22);
  frame.writeBigInt64BE(BigInt(now - EPOCH_MS) * 1000n, 30);
  frame.writeUInt8(reply ? 1 : 0, 38);
  return frame;
}
