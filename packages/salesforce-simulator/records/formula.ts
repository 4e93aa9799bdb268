/**
 * Values of formula fields: numbers, texts in quotes, fields, also of parents (`Account.Name`), `+ - * / &` and parentheses.
 * Other formulas are empty. They are evaluated when they are read, so what they show changes without a stamp.
 */
import type { FieldValue } from '../schema/object-definition.ts';

type Token = { readonly kind: 'number' | 'text' | 'name' | 'sign'; readonly text: string };

/** Reads a field by its path; undefined: there is none. */
export type ReadPath = (path: string) => FieldValue | undefined;

export type Formula = (read: ReadPath) => FieldValue;

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([a-z]\w*(?:\.[a-z]\w*)*)|([-+*/&()]))/iy;

/** undefined: the simulator does not evaluate it. */
export function parseFormula(text: string): Formula | undefined {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens);
  const formula = parser.sum();
  return parser.isDone ? formula : undefined;
}

function tokensOf(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const whole = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < whole.length) {
    const found = TOKEN.exec(whole);
    if (found === null) return undefined;
    const [, number, double, single, name, sign] = found;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else tokens.push({ kind: 'text', text: (double ?? single ?? '').replace(/\\(.)/g, '$1') });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isDone(): boolean {
    return this.#at === this.#tokens.length;
  }

  sum(): Formula | undefined {
    return this.#chain(['+', '-', '&'], () => this.#product());
  }

  #product(): Formula | undefined {
    return this.#chain(['*', '/'], () => this.#operand());
  }

  #chain(signs: readonly string[], part: () => Formula | undefined): Formula | undefined {
    let left = part();
    for (;;) {
      const token = this.#tokens[this.#at];
      if (left === undefined || token?.kind !== 'sign' || !signs.includes(token.text)) return left;
      this.#at += 1;
      const [before, after] = [left, part()];
      if (after === undefined) return undefined;
      left = (read) => combined(token.text, before(read), after(read));
    }
  }

  #operand(): Formula | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined) return undefined;
    this.#at += 1;
    if (token.kind === 'number') return () => Number(token.text);
    if (token.kind === 'text') return () => token.text;
    if (token.kind === 'name') return (read) => read(token.text) ?? null;
    if (token.text !== '(') return undefined;
    const inner = this.sum();
    const close = this.#tokens[this.#at];
    this.#at += 1;
    return close?.text === ')' ? inner : undefined;
  }
}

/** A text that is empty is ''; a number that is empty leaves the whole empty, as `formulaTreatNullNumberAsZero` false does. */
function combined(sign: string, left: FieldValue, right: FieldValue): FieldValue {
  if (sign === '&' || typeof left === 'string' || typeof right === 'string') {
    return sign === '&' || sign === '+' ? `${left ?? ''}${right ?? ''}` : null;
  }
  if (typeof left !== 'number' || typeof right !== 'number') return null;
  if (sign === '+') return left + right;
  if (sign === '-') return left - right;
  if (sign === '*') return left * right;
  return right === 0 ? null : left / right;
}
