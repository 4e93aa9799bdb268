/**
 * Computed columns: a pair of functions, one column to one field. What they are given and answer are texts, for a checkbox in
 * Salesforce also a boolean, and nothing is asked of them for an empty value: it is null on both sides.
 *
 * Nothing but the functions knows what they do, so what they answer is looked at. One that throws, or answers anything but a text,
 * has nothing for that value, which is rejected alone. So is what two calls answer differently. A value that does not come back as
 * it was counts as equal to what came back, as one that a column rounds (`onLoss`).
 */
import { InvariantError } from '../../errors.ts';
import { canonicalOf, isStorable } from '../canonical.ts';
import type { ColumnShape, FieldType } from './field-type.ts';
import { number } from './number.ts';
import { text } from './text.ts';

export interface Conversion<Value extends string | boolean = string> {
  /** The text of the column for a value of Salesforce, in its canonical form: '1200.5', '2026-01-31', true. */
  readonly toPostgres: (value: Value) => string;
  /** The value of Salesforce for a text of the column, as PostgreSQL spells it. */
  readonly toSalesforce: (text: string) => Value;
  /** Values of Salesforce, and what the column holds for each: what the pair is held against whenever it is loaded. */
  readonly samples: Readonly<Record<string, string>>;
}

/** Of whichever field: the compiler compares it with the type of the field where it is written. */
export interface AnyConversion extends Pick<Conversion, 'samples'> {
  readonly toPostgres: (value: never) => string;
  readonly toSalesforce: (text: string) => string | boolean;
}

/** Answers that are remembered for each function, since a value is looked at before it is written. */
const REMEMBERED = 1000;

/** Whether columns of such fields may be computed. */
export function isConvertible({ columnForm }: FieldType): boolean {
  return columnForm === 'scalar';
}

/** The type with what the functions make of its values in its columns. `conversion`: without faults, see `conversionFaults`. */
export function converted(type: FieldType, conversion: AnyConversion): FieldType {
  const { toPostgres, toSalesforce } = callable(conversion);
  const columnOf = remembering((value: string | boolean) => storable(answerOf(toPostgres, value, 'string')));
  const valueIn = remembering((column: string) => {
    const answer = answerOf(toSalesforce, column, typeof type.blank === 'boolean' ? 'boolean' : 'string');
    return answer === undefined ? undefined : canonicalOf(type, String(answer));
  });
  const written = (value: string | boolean) => {
    const column = columnOf(value);
    if (column === undefined)
      throw new InvariantError('VALUE_NOT_CONVERTED', 'A value that was refused came to its column.');
    return column;
  };
  return {
    ...type,
    refusal: (value) => {
      const column = columnOf(value);
      return column === undefined || valueIn(column) === undefined ? NOT_CONVERTED : undefined;
    },
    unreadable: NOT_READ,
    meaning: { convert: Object.fromEntries(Object.entries(conversion.samples)) },

    // Any: the functions spell for it.
    columnTypes: undefined,
    columnHolds: {},
    instead: {},
    takesEnums: true,
    isExact: (shape, value) => {
      const column = columnOf(value);
      return column !== undefined && valueIn(column) === value && holdsText(shape, column);
    },
    emptyInColumn: () => undefined,
    columnForm: 'scalar',
    columnText: (column) => `${column}::text`,
    spelledInColumn: (column) => {
      const value = valueIn(column);
      return value === undefined ? undefined : String(value ?? '');
    },
    toPostgres: written,
    toPostgresJson: written,
    // The server has no such function.
    matching: undefined,
    narrowness: () => undefined,
  };
}

const NOT_CONVERTED = {
  code: 'VALUE_NOT_CONVERTED',
  fault: 'has no counterpart by its `convert`: a function throws for it, answers no text, or another one each time',
  change: 'Correct the functions in sync.config.ts',
} as const;

const NOT_READ = {
  ...NOT_CONVERTED,
  fault:
    'has no counterpart by its `convert`: toSalesforce throws for it, answers what the field cannot be, or another value each time',
} as const;

interface Callable {
  readonly toPostgres: (given: unknown) => unknown;
  readonly toSalesforce: (given: unknown) => unknown;
}

function callable(conversion: AnyConversion): Callable {
  return conversion as unknown as Callable;
}

/** What the function answers, twice; undefined: nothing that can be used. */
function answerOf(
  of: (given: unknown) => unknown,
  given: unknown,
  wanted: 'string' | 'boolean',
): string | boolean | undefined {
  try {
    const answer = of(given);
    if (typeof answer !== wanted || of(given) !== answer) return undefined;
    return answer as string | boolean;
  } catch {
    // What it says may hold the value.
    return undefined;
  }
}

function storable(answer: string | boolean | undefined): string | undefined {
  return typeof answer === 'string' && isStorable(answer) ? answer : undefined;
}

function remembering<Given, Answer>(of: (given: Given) => Answer): (given: Given) => Answer {
  const known = new Map<Given, Answer>();
  return (given) => {
    if (known.has(given)) return known.get(given) as Answer;
    const answer = of(given);
    if (known.size === REMEMBERED) known.clear();
    known.set(given, answer);
    return answer;
  };
}

/** Whether the column surely holds the text as it is. */
function holdsText(shape: ColumnShape, column: string): boolean {
  if (number.columnTypes.some((each) => each === shape.type)) {
    return number.canonical(column) === column && number.isExact(shape, column);
  }
  return text.isExact(shape);
}

/** What is wrong with a pair of functions, as ends of a sentence about the field's `convert`. */
export function conversionFaults(type: FieldType, conversion: AnyConversion): string[] {
  if (!isConvertible(type)) return [`does not go with a ${type.name}; remove it`];
  const { toPostgres, toSalesforce } = callable(conversion);
  const samples = Object.entries(conversion.samples);
  if (samples.length === 0) return ['has no samples; name values of Salesforce and what the column holds for each'];
  const wanted = typeof type.blank === 'boolean' ? 'boolean' : 'string';
  return samples.flatMap(([key, column]) => {
    const value = canonicalOf(type, key);
    if (value === undefined) return [`has the sample ${quoted(key)}, which is no ${type.name}; correct it`];
    if (value === null) return [`has an empty sample, and the functions are not asked for an empty value; remove it`];
    const there = answerOf(toPostgres, value, 'string');
    if (there !== column)
      return [
        `: toPostgres ${answered(there)} for the sample ${quoted(key)}, which says ${quoted(column)}; correct one of them`,
      ];
    const back = answerOf(toSalesforce, column, wanted);
    if (back !== undefined && canonicalOf(type, String(back)) === value) return [];
    return [
      `: toSalesforce ${answered(back)} for ${quoted(column)}, of the sample ${quoted(key)}; it has to lead back`,
    ];
  });
}

function answered(answer: string | boolean | undefined): string {
  if (answer === undefined) return 'throws, answers no text, or another one each time,';
  return `answers ${quoted(String(answer))}`;
}

function quoted(given: string): string {
  return `'${given}'`;
}
