/** Values that clients write: nearly always one that nobody else writes, so that the judge knows whose it is; and those that hurt. */

import type { ChaosField } from './objects.ts';
import type { PlannedValue } from './plan.ts';
import type { Random } from './random.ts';

/** Begins each text that a person is said to have written: it must be found nowhere but in the two systems. */
export const MARKER = 'Zephyrine';

/** Begins a number that has the room for it. */
const MARKED_DIGITS = '60317';
/** Years of days and moments that nobody else writes: this system's are of the present. */
const MARKED_YEARS = '(?:19[0-6]\\d|204[1-9]|20[5-9]\\d)';

/** What clients write, by its spelling, wherever it stands. What hurts is not marked, for others write it, too; nor are short numbers. */
export const MARKED: Readonly<Record<'text' | 'number' | 'date', RegExp>> = {
  text: new RegExp(MARKER, 'i'),
  number: new RegExp(`(?<![\\w.-])${MARKED_DIGITS}\\d{6,7}(?!\\w)`),
  date: new RegExp(`(?<![\\w.-])${MARKED_YEARS}-[01]\\d-[0-3]\\d(?![\\d-])`),
};

const DAY_MS = 86_400_000;
/** From 1900 to the end of 1969. */
const EARLY_DAYS = 25_567;
const LATE_DAYS = 21_500;
/** How many values hurt, where nothing else is wanted. */
const HURTING = 0.12;

/** Behind the marker: what a spelling, a file or a statement may take for something else. */
const HURTFUL_ENDS = [
  '  ',
  '\t',
  ' 𝒵🜁 é',
  ' "quoted", \'single\'',
  '\r\nsecond line',
  '\nsecond line\r\n\r\nfourth',
  " '; drop table x; --",
  ' \\N \\t',
  ' <b>&amp;</b>',
  ' {"a":[1]}',
  ' ,;|=',
  ' ‮right to left',
  ' \u200b\u00a0',
  '%s $1 $\u007bx}',
];
/** Whole texts that mean something elsewhere. Others write them, too. */
const HURTFUL_TEXTS = ['', ' ', 'unlinked:1', '#N/A', 'null', 'NULL', '0012', 'true', '{}', '""', "'"];
const HURTFUL_NUMBERS = ['0', '-1', '1000.005', '0.1', '2.675', '99999999', '-0.01', '123456789.12'];
const HURTFUL_DATES = ['1700-01-01', '4000-12-31', '2000-02-29', '1999-12-31', '1970-01-01', '1582-10-14'];
const HURTFUL_MOMENTS = [
  '1970-01-01T00:00:00Z',
  '2038-01-19T03:14:08Z',
  '1999-12-31T23:59:59Z',
  '2026-03-29T01:30:00Z',
];

/** A value for the field; `tag` says whose it is. Null now and then, where the field may be empty. */
export function valueFor(field: ChaosField, random: Random, tag: string, hurting = HURTING): PlannedValue {
  if (field.required !== true && field.type !== 'boolean' && random.chance(0.06)) return null;
  const hurts = random.chance(hurting);
  switch (field.type) {
    case 'text':
      return field.choices === undefined ? textFor(field, random, tag, hurts) : random.pick(field.choices);
    case 'number':
      return numberFor(field, random, hurts);
    case 'boolean':
      return random.chance(0.5);
    case 'date':
      return hurts ? random.pick(HURTFUL_DATES) : markedDay(random.integer(0, EARLY_DAYS + LATE_DAYS - 1));
    case 'datetime':
      return hurts ? random.pick(HURTFUL_MOMENTS) : momentAfter('2041-01-01', random.integer(0, 1_500_000_000));
    case 'multipicklist':
      return random.some(field.choices ?? [], random.integer(1, 4));
    default:
      throw new Error(`No value is made for the type ${field.type}`);
  }
}

function textFor({ field, length = 255, required }: ChaosField, random: Random, tag: string, hurts: boolean): string {
  if (field === 'Email') return `${MARKER}.${tag}@mail.example`.toLowerCase();
  if (hurts && required !== true && random.chance(0.4)) return random.pick(HURTFUL_TEXTS);
  const text = `${MARKER}-${tag}${hurts ? random.pick(HURTFUL_ENDS) : ''}`;
  if (hurts && length > 255 && random.chance(0.3)) return text.padEnd(length - 1, ' long').concat('!');
  return cut(text, length);
}

/** Whole characters only. */
function cut(text: string, length: number): string {
  let cutText = '';
  for (const character of text) {
    if (cutText.length + character.length > length) break;
    cutText += character;
  }
  return cutText;
}

/** As decimal text. */
function numberFor({ length = 6, scale = 0 }: ChaosField, random: Random, hurts: boolean): string {
  if (hurts && scale > 0) return random.pick(HURTFUL_NUMBERS);
  if (hurts) return random.pick(['0', '1', '10'.padEnd(length, '0')]);
  const free = length - MARKED_DIGITS.length;
  const digits = free < 6 ? Math.min(length, 9) : Math.min(free, 7);
  const drawn = random.integer(0, 10 ** digits - 1);
  const whole = free < 6 ? drawn : `${MARKED_DIGITS}${String(drawn).padStart(digits, '0')}`;
  if (scale === 0) return String(whole);
  const decimals = String(random.integer(0, 10 ** scale - 1))
    .padStart(scale, '0')
    .replace(/0+$/, '');
  return decimals === '' ? String(whole) : `${whole}.${decimals}`;
}

function markedDay(days: number): string {
  return days < EARLY_DAYS ? dayAfter('1900-01-01', days) : dayAfter('2041-01-01', days - EARLY_DAYS);
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

function momentAfter(day: string, seconds: number): string {
  return new Date(Date.parse(day) + seconds * 1000).toISOString().replace('.000Z', 'Z');
}
