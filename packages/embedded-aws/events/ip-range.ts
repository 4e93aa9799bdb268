import { isIPv4, isIPv6 } from 'node:net';
import { PatternFault } from './pattern-text.ts';

/** An address as a number; addresses of the two families are never equal or in each other's ranges. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** The address that `text` spells, in any of its forms; undefined for anything else. */
export function ipAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { bits: 32, value: ipv4Value(text) };
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = /[\d.]+$/.exec(text)?.[0] ?? '';
  const tail = dotted.includes('.') ? hexGroups(ipv4Value(dotted)) : dotted;
  const [head = '', rest] = `${text.slice(0, text.length - dotted.length)}${tail}`.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right];
  return { bits: 128, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function hexGroups(ipv4: bigint): string {
  return `${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`;
}

/**
 * A test for addresses in a CIDR block such as `10.0.0.0/24`. As in the service the block begins at the address as
 * written, not at the network's first one. Throws PatternFault in the service's words.
 */
export function cidrTest(cidr: string): (text: string) => boolean {
  const parts = cidr.split('/');
  const [address = '', mask = ''] = parts;
  if (parts.length !== 2 || mask === '') throw new PatternFault("Malformed CIDR, one '/' required");
  if (!/^[+-]?\d+$/.test(mask)) throw new PatternFault('Malformed CIDR, mask bits must be an integer');
  const maskBits = Number(mask);
  if (maskBits < 0) throw new PatternFault('Malformed CIDR, mask bits must not be negative');
  const bottom = ipAddress(address);
  if (bottom === undefined) throw new PatternFault(`Nonstandard IP address: ${address}`);
  if (maskBits >= bottom.bits) {
    throw new PatternFault(`IPv${bottom.bits === 32 ? 4 : 6} mask bits must be < ${bottom.bits}`);
  }
  const top = bottom.value | ((1n << BigInt(bottom.bits - maskBits)) - 1n);
  return (text) => {
    const found = ipAddress(text);
    return found?.bits === bottom.bits && found.value >= bottom.value && found.value <= top;
  };
}
