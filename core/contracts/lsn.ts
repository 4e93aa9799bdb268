import { z } from 'zod';

/** A position in the write-ahead log: a bigint inside, `16/B374D848` at the edges. */
export type Lsn = bigint;

export const lsnText = z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);

/** Reads `16/B374D848` or the zero-padded spelling. Throws RangeError for anything else. */
export function parseLsn(text: string): Lsn {
  const parts = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/.exec(text);
  if (parts === null) throw new RangeError(`"${text}" is no LSN; one looks like 16/B374D848.`);
  return (BigInt(`0x${parts[1]}`) << 32n) | BigInt(`0x${parts[2]}`);
}

export function formatLsn(lsn: Lsn): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
}
