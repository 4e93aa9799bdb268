/**
 * When two values count as equal, as the documents promise it. Written from README and docs/agreement.md alone: the product's
 * canonical form is not used here, for an oracle that shares a belief with what it judges cannot find it wrong.
 */
import type { MappedField, Value } from './history.ts';

/** The one spelling of a value; null: nothing. */
export type Normal = string | null;

type Typed = Pick<MappedField, 'type' | 'decimals'>;

/** Lookups are not compared here: what a key of the table stands for, only the index knows. */
export function normalForm({ type, decimals }: Typed, value: unknown): Normal {
  if (Array.isArray(value)) return type === 'multipicklist' ? set(value.map(String).join(';')) : JSON.stringify(value);
  if (value === null || value === undefined) return type === 'boolean' ? 'false' : null;
  if (typeof value === 'object') return JSON.stringify(value);
  const text = trimmed(String(value));
  if (text === '') return type === 'boolean' ? 'false' : null;
  return (SPELLINGS[type] ?? lines)(text, decimals);
}

type Coded = Pick<MappedField, 'codes' | 'zone'>;

/** What a column stands for that holds something else than its field. */
export function meant({ codes, zone }: Coded, column: unknown): unknown {
  if (column === null || column === undefined) return column;
  if (codes !== undefined) return Object.keys(codes).find((value) => codes[value] === Number(column)) ?? column;
  return zone === undefined ? column : `${column}${offset(zone.minutes)}`;
}

/** What a column holds for a value; the opposite of `meant`. */
export function inColumn({ codes, zone }: Coded, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (codes !== undefined) return codes[value] ?? value;
  if (zone === undefined) return value;
  return new Date(Date.parse(value) + zone.minutes * 60_000).toISOString().slice(0, 19);
}

function offset(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `+${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const SPELLINGS: Readonly<Record<string, (text: string, decimals: number | undefined) => Normal>> = {
  text: lines,
  number: byValue,
  boolean: (text) => (/^t(rue)?$/i.test(text) ? 'true' : /^f(alse)?$/i.test(text) ? 'false' : text),
  date: (text) => /^\d{4}-\d\d-\d\d/.exec(text)?.[0] ?? text,
  datetime: toTheSecond,
  time: timeOfDay,
  multipicklist: set,
  reference: id18,
};

/** Salesforce trims what is white space in ASCII. */
function trimmed(text: string): string {
  return text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, '');
}

function lines(text: string): string {
  return text.replace(/\r+\n/g, '\n');
}

function set(text: string): Normal {
  const items = [...new Set(text.split(';').map(trimmed))].filter((item) => item !== '').sort();
  return items.length === 0 ? null : items.join(';');
}

/** Fifteen digits: neither Salesforce nor JSON keeps more. */
function byValue(text: string, decimals: number | undefined): string {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return text;
  const number = Number(decimals === undefined ? text : rounded(text, decimals));
  return Number.isFinite(number) ? String(Number(number.toPrecision(15)) + 0) : text;
}

/** As `numeric` does it: by decimal digits, halves away from zero. */
function rounded(text: string, decimals: number): string {
  const plain = /^([+-]?)(\d*)\.?(\d*)$/.exec(text);
  if (plain === null) return Number(text).toFixed(decimals);
  const [, sign = '', whole = '', fraction = ''] = plain;
  if (fraction.length <= decimals) return text;
  const kept = BigInt(`${whole}${fraction.slice(0, decimals)}` || '0');
  const digits = (fraction.charAt(decimals) >= '5' ? kept + 1n : kept).toString().padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return `${sign}${digits.slice(0, point)}${decimals > 0 ? '.' : ''}${digits.slice(point)}`;
}

const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):?(\d\d)?)?$/;

/** In UTC, without what is below a second. */
function toTheSecond(text: string): string {
  const parts = INSTANT.exec(text);
  if (parts === null) return text;
  const [, day = '', time = '', sign, hours = '0', minutes = '0'] = parts;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
  const moment = new Date(`${day}T${time}Z`).getTime() - offset;
  return Number.isNaN(moment) ? text : new Date(moment).toISOString().replace('.000Z', 'Z');
}

function timeOfDay(text: string): string {
  const parts = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?Z?$/.exec(text);
  if (parts === null) return text;
  const [, hours, minutes, seconds = '00', fraction = ''] = parts;
  return `${hours}:${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** An id of 15 characters, and the three that say which of them are capitals. */
export function id18(id: string): string {
  if (!/^[A-Za-z0-9]{15}$/.test(id)) return id;
  const suffix = [0, 5, 10].map((start) => {
    const bits = [...id.slice(start, start + 5)].map((letter, bit) => (/[A-Z]/.test(letter) ? 1 << bit : 0));
    return ALPHABET.charAt(bits.reduce((sum, bit) => sum + bit, 0));
  });
  return id + suffix.join('');
}

export function sameValue(field: Typed, one: Value | undefined, other: Value | undefined): boolean {
  return normalForm(field, one) === normalForm(field, other);
}
