/**
 * Reads the JSON text of an event pattern, keeping what `JSON.parse` drops (repeated member names) and refusing broken
 * text in the words of the service. What follows the first value is not looked at, as there.
 */

export type PatternNode =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, PatternNode])[] }
  | { readonly kind: 'array'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'literal'; readonly value: boolean | null };

/** A pattern that the service refuses; the message is the reason, without its prefix. */
export class PatternFault extends Error {
  override readonly name = 'PatternFault' as const;
}

const VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Throws PatternFault when `text` does not start with a JSON value. */
export function readPatternText(text: string): PatternNode {
  return new Reader(text).value();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): PatternNode {
    const character = this.#peek('No content to map due to end-of-input');
    switch (character) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return { kind: 'string', value: this.#string() };
      default:
        return this.#scalar(character);
    }
  }

  #object(): PatternNode {
    const end = this.#open('Object');
    const members: [string, PatternNode][] = [];
    if (this.#peek(end) === '}') {
      this.#at += 1;
      return { kind: 'object', members };
    }
    for (;;) {
      if (this.#peek(end) !== '"') throw this.#unexpected('was expecting double-quote to start field name');
      const name = this.#string();
      if (this.#peek(end) !== ':') throw this.#unexpected('was expecting a colon to separate field name and value');
      this.#at += 1;
      this.#peek(end);
      members.push([name, this.value()]);
      const next = this.#peek(end);
      if (next !== ',' && next !== '}') throw this.#unexpected('was expecting comma to separate Object entries');
      this.#at += 1;
      if (next === '}') return { kind: 'object', members };
    }
  }

  #array(): PatternNode {
    const end = this.#open('Array');
    const items: PatternNode[] = [];
    if (this.#peek(end) === ']') {
      this.#at += 1;
      return { kind: 'array', items };
    }
    for (;;) {
      this.#peek(end);
      items.push(this.value());
      const next = this.#peek(end);
      if (next !== ',' && next !== ']') throw this.#unexpected('was expecting comma to separate Array entries');
      this.#at += 1;
      if (next === ']') return { kind: 'array', items };
    }
  }

  #string(): string {
    const literal = /"(?:[^"\\]|\\.)*"/sy;
    literal.lastIndex = this.#at;
    const found = literal.exec(this.#text)?.[0];
    if (found === undefined) {
      throw new PatternFault('Unexpected end-of-input: was expecting closing quote for a string value');
    }
    this.#at += found.length;
    try {
      return JSON.parse(found) as string;
    } catch {
      throw new PatternFault(`Unrecognized character escape or unquoted control character in ${found}`);
    }
  }

  #scalar(character: string): PatternNode {
    const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    number.lastIndex = this.#at;
    const digits = number.exec(this.#text)?.[0];
    if (digits !== undefined) {
      this.#at += digits.length;
      return { kind: 'number', value: Number(digits) };
    }
    const word = /^[\p{L}\p{N}_$]+/u.exec(this.#text.slice(this.#at))?.[0];
    if (word === undefined) throw this.#unexpected(`expected a valid value ${VALUES}`, character);
    const literal = LITERALS.get(word);
    if (literal === undefined) throw new PatternFault(`Unrecognized token '${word}': was expecting ${VALUES}`);
    this.#at += word.length;
    return { kind: 'literal', value: literal };
  }

  /** Steps over the opening bracket; the answer is what to say when the text ends before the closing one. */
  #open(what: 'Object' | 'Array'): string {
    const before = this.#text.slice(0, this.#at).split('\n');
    const place = `line: ${before.length}, column: ${(before.at(-1)?.length ?? 0) + 1}`;
    this.#at += 1;
    return (
      `Unexpected end-of-input: expected close marker for ${what} ` +
      `(start marker at [Source: (String)"${this.#text}"; ${place}])`
    );
  }

  /** The next character that is not white space; `atEnd` is the reason when there is none. */
  #peek(atEnd: string): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    const character = this.#text[this.#at];
    if (character === undefined) throw new PatternFault(atEnd);
    return character;
  }

  #unexpected(expected: string, character = this.#text[this.#at] ?? ''): PatternFault {
    return new PatternFault(`Unexpected character ('${character}' (code ${character.charCodeAt(0)})): ${expected}`);
  }
}
